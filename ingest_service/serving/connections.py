"""All connections: how many there may be, and which of them has to go."""

from __future__ import annotations

import time
from collections.abc import Iterator

from ingest_service.serving.connection import Connection, Stage

HOARDING_S = 1.0
"""Seconds after which a request that isn't whole, or an answer that isn't read, makes room for others."""

SMALL = 2_000_000
"""Bytes up to which a request, or an answer, may use the reserve: those of a photo or two."""


class Connections:
    """
    Args:
        most: connections at once.
        most_per_network: those of one address.
        most_bytes: of what has arrived on all of them, and of answers that wait for their readers. A quarter
            more is a reserve for small ones: a few large requests of photos that take long mustn't keep
            others out.
    """

    def __init__(self, most: int, most_per_network: int, most_bytes: int) -> None:
        self._most = most
        self._most_per_network = most_per_network
        self._most_bytes = most_bytes
        self._bytes = 0
        self._all: dict[Connection, None] = {}
        self._by_network: dict[str, dict[Connection, None]] = {}

    def __len__(self) -> int:
        return len(self._all)

    def __iter__(self) -> Iterator[Connection]:
        return iter(list(self._all))

    def __contains__(self, connection: Connection) -> bool:
        return connection in self._all

    def add(self, connection: Connection) -> None:
        self._all[connection] = None
        self._by_network.setdefault(connection.network, {})[connection] = None

    def remove(self, connection: Connection) -> None:
        del self._all[connection]
        same = self._by_network[connection.network]
        del same[connection]
        if not same:
            del self._by_network[connection.network]
        self.release(connection)

    def in_the_way_of(self, network: str) -> Connection | None:
        """The connection that has to be closed before another one of this network is added: the one that has
        waited longest without a whole request, of the network with the most. None if there is room.

        Raises:
            LookupError: each has a request in progress.
        """
        same = self._by_network.get(network, {})
        if len(same) >= self._most_per_network:
            return _longest_waiting(same)
        if len(self._all) < self._most:
            return None
        for crowd in sorted(self._by_network.values(), key=len, reverse=True):
            try:
                return _longest_waiting(crowd)
            except LookupError:
                continue
        raise LookupError

    def claim(self, connection: Connection, count: int) -> bool:
        """Notes that the connection holds so many bytes. Whether all of them together are few enough; a lone
        one's always are."""
        self._bytes += count - connection.claimed
        connection.claimed = count
        room = self._most_bytes * (5 if count <= SMALL else 4) // 4
        return self._bytes <= room or self._bytes == count

    def release(self, connection: Connection) -> None:
        self.claim(connection, 0)

    def hoarder(self) -> Connection | None:
        """The connection that holds most bytes of those that have sent, or read, for some time."""
        before = time.monotonic() - HOARDING_S
        slow = [
            one for one in self._all if one.stage in (Stage.ARRIVING, Stage.ANSWERING) and one.since < before
        ]
        return max((one for one in slow if one.claimed), key=lambda one: one.claimed, default=None)


def _longest_waiting(connections: dict[Connection, None]) -> Connection:
    """
    Raises:
        LookupError: none waits.
    """
    waiting = [connection for connection in connections if connection.stage is not Stage.IN_PROGRESS]
    if not waiting:
        raise LookupError
    return min(waiting, key=lambda one: (one.stage is not Stage.LINGERING, one.since))
