"""One client's connection: a socket that never waits, what has arrived, and what is to be sent."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import struct
import time
from collections import deque
from contextlib import suppress
from enum import Enum, auto

from ingest_service.serving.arrival import Arrival, ArrivalLimits

TURN = 262_144
"""Bytes that one connection may send before the others have their turn."""
SENDING_TURN = 65_536
SEND_BUFFER = 262_144
"""Bytes of an answer that the system keeps for a client."""


class Stage(Enum):
    HANDSHAKE = auto()
    IDLE = auto()
    """Kept alive; nothing of the next request is here."""
    ARRIVING = auto()
    IN_PROGRESS = auto()
    """A thread has the request, and alone uses the connection."""
    ANSWERING = auto()
    LINGERING = auto()
    """Answered. What the client still sends is dropped: closing at once could destroy the answer on its way
    (RFC 9112, 9.6)."""


class Disconnected(Exception):
    """The client has gone, or doesn't speak TLS."""


class Connection:
    """
    Args:
        tls: None for plain HTTP.
    """

    def __init__(
        self,
        sock: socket.socket,
        client: tuple[str, int],
        server: tuple[str, int],
        limits: ArrivalLimits,
        tls: ssl.SSLContext | None,
    ) -> None:
        sock.setblocking(False)
        # By itself it grows to megabytes for a client that doesn't read.
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, SEND_BUFFER)
        self.sock = sock
        if tls:
            self.sock = tls.wrap_socket(
                sock, server_side=True, do_handshake_on_connect=False, suppress_ragged_eofs=True
            )
        self.client = client
        self.server = server
        self.network = network_of(client[0])
        self.stage = Stage.HANDSHAKE if tls else Stage.ARRIVING
        self.since = time.monotonic()
        self.deadline = 0.0
        self.keeps_alive = False  # once it is answered
        self.wants_to_write = False  # for the handshake
        self.has_continued = False  # has sent `100 Continue`
        self.claimed = 0  # bytes, of the limit of all connections
        self.arrival = Arrival(limits)
        self._limits = limits
        self._behind = b""  # the request that is in progress
        self._outgoing: deque[memoryview] = deque()

    def enter(self, stage: Stage, seconds: float) -> None:
        """Begins a stage that may last so many seconds."""
        self.stage = stage
        self.since = time.monotonic()
        self.deadline = self.since + seconds

    def shake_hands(self) -> bool:
        """Whether the handshake is done.

        Raises:
            Disconnected
        """
        assert isinstance(self.sock, ssl.SSLSocket)
        self.wants_to_write = False
        try:
            self.sock.do_handshake()
        except ssl.SSLWantReadError:
            return False
        except ssl.SSLWantWriteError:
            self.wants_to_write = True
            return False
        except (OSError, ValueError) as error:
            raise Disconnected from error
        return True

    def receive(self, buffer: memoryview) -> bool:
        """Takes what has come of a request. Whether the client may send more: not after its end.

        Args:
            buffer: for use in this call.

        Raises:
            Disconnected
        """
        turn = TURN
        while not self.arrival.ready and (turn > 0 or self._has_decrypted()):
            count = self._read(buffer[: self.arrival.wanted])
            if count is None:
                return True
            if count == 0:
                return False
            turn -= count
            self._behind = bytes(self.arrival.feed(buffer[:count]))
        return True

    def _has_decrypted(self) -> bool:
        """Bytes that the poller doesn't know of."""
        return isinstance(self.sock, ssl.SSLSocket) and self.sock.pending() > 0

    def _read(self, buffer: memoryview) -> int | None:
        """How many bytes; None if there are none yet, 0 at the end."""
        try:
            return self.sock.recv_into(buffer)
        except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except (OSError, ValueError) as error:
            raise Disconnected from error

    def begin_next(self) -> None:
        """Makes room for the next request, of which a part may be here already."""
        self.has_continued = False
        self.arrival = Arrival(self._limits)
        behind, self._behind = self._behind, b""
        if behind:
            self._behind = bytes(self.arrival.feed(memoryview(behind)))

    @property
    def received(self) -> int:
        """Bytes that are held for requests."""
        return self.arrival.size + len(self._behind)

    def send(self, data: bytes) -> None:
        """Adds to what ``flush`` sends."""
        if data:
            self._outgoing.append(memoryview(data))

    def flush(self) -> bool:
        """Sends as much as the client takes now, up to a turn's. Whether that was all.

        Raises:
            Disconnected
        """
        turn = SENDING_TURN
        while self._outgoing and turn > 0:
            part = self._outgoing[0]
            try:
                sent = self.sock.send(part[:turn])
            except (BlockingIOError, InterruptedError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return False
            except (OSError, ValueError) as error:
                raise Disconnected from error
            turn -= sent
            if sent < len(part):
                self._outgoing[0] = part[sent:]
            else:
                self._outgoing.popleft()
        return not self._outgoing

    @property
    def unsent(self) -> int:
        """Bytes."""
        return sum(len(part) for part in self._outgoing)

    def finish_sending(self) -> None:
        """Tells the client that nothing follows."""
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise Disconnected from error

    def drop(self, buffer: memoryview) -> bool:
        """Reads and forgets. Whether the client may send more."""
        for _ in range(TURN // len(buffer) + 1):
            count = self._read(buffer)
            if not count:
                return count is None
        return True

    def close(self) -> None:
        """At once; what the client hasn't read by now is lost."""
        with suppress(OSError):
            if self._outgoing:  # else the kernel would go on sending
                self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            else:
                # A process that was forked meanwhile holds the socket open.
                self.sock.shutdown(socket.SHUT_RDWR)
        self.sock.close()


def network_of(address: str) -> str:
    """Whose connections are counted together: an IPv4 address, or an IPv6 network of 64 bits."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((found, 64), strict=False))
