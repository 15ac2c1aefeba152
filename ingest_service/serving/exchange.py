"""What gunicorn takes for a connection while a request is answered: it only collects the answer."""

from __future__ import annotations

from ingest_service.serving.connection import Connection


class Answer:
    """A socket, as far as gunicorn writes to one. ``fileno`` is that of the connection, which stays open
    meanwhile: it tells whether the client has hung up."""

    def __init__(self, connection: Connection) -> None:
        self.fileno = connection.sock.fileno
        self._parts: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self._parts.append(bytes(data))

    send = sendall

    def taken(self) -> list[bytes]:
        parts, self._parts = self._parts, []
        return parts

    def gettimeout(self) -> float:
        return 0.0

    def shutdown(self, _: int) -> None:
        """After an error in the midst of an answer; the connection is closed then."""

    def settimeout(self, _: float) -> None:
        pass

    def recv(self, _: int) -> bytes:
        return b""

    def close(self) -> None:
        pass


class Exchange:
    """What gunicorn's worker asks of its own connections: a socket, and the addresses of both ends."""

    def __init__(self, connection: Connection) -> None:
        self.sock = Answer(connection)
        self.client = connection.client
        self.server = connection.server
