"""gunicorn's worker, with all sockets in one loop: a thread gets a request when it is whole."""

from __future__ import annotations

import errno
import logging
import selectors
import socket
import time
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from typing import Any, Protocol

from gunicorn.http.errors import NoMoreData
from gunicorn.http.parser import RequestParser
from gunicorn.workers.gthread import ThreadWorker

from ingest_service.errors import FaceServiceError
from ingest_service.serving.arrival import ArrivalLimits, ArrivedBytes
from ingest_service.serving.connection import Connection, Disconnected, Stage
from ingest_service.serving.connections import Connections
from ingest_service.serving.exchange import Exchange
from ingest_service.serving.tls import Certificate
from ingest_service.turns import HEALTH_PATHS

log = logging.getLogger("ingest_service")

TICK_S = 0.25
"""Seconds between looks for connections whose time is up."""
LINGER_S = 2.0
STOP_S = 3.0
"""Seconds that a stopping worker waits for a request to become whole."""
ACCEPTED_AT_ONCE = 64
HEALTH_THREADS = 2


class FrontSettings(Protocol):
    """Of whatever is served: the service's own, or the desk's."""

    @property
    def request_timeout_s(self) -> float: ...

    @property
    def max_body_bytes(self) -> int: ...

    @property
    def max_connections(self) -> int: ...

    @property
    def max_connections_per_address(self) -> int: ...

    @property
    def api_keys(self) -> tuple[str, ...]: ...


class HasSettings(Protocol):
    settings: FrontSettings


class Worker(ThreadWorker):  # type: ignore[misc]
    """The loop reads, sends and does TLS handshakes, so that threads never wait for a client. Answers about
    health have threads of their own."""

    app: HasSettings

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        settings = self.app.settings
        self._timeout = settings.request_timeout_s
        self._limits = ArrivalLimits(settings.max_body_bytes, settings.api_keys)
        self._connections = Connections(
            settings.max_connections, settings.max_connections_per_address, 4 * settings.max_body_bytes
        )
        self._buffer = memoryview(bytearray(262_144))
        self._health_pool = ThreadPoolExecutor(HEALTH_THREADS, thread_name_prefix="health")
        self._certificate = Certificate(self.cfg) if self.cfg.is_ssl else None

    def run(self) -> None:
        self.poller.register(
            self.method_queue.fileno(), selectors.EVENT_READ, self.method_queue.run_callbacks
        )
        self.set_accept_enabled(True)
        while self.alive and self.is_parent_alive():
            self._turn()
        self.set_accept_enabled(False)
        self._wait_for_the_last()
        for connection in self._connections:
            self._close(connection)
        self._health_pool.shutdown(wait=False)
        self.tpool.shutdown(wait=False)
        self.poller.close()
        self.method_queue.close()
        for listener in self.sockets:
            listener.close()

    def _turn(self) -> None:
        self.notify()
        self.wait_for_and_dispatch_events(TICK_S)
        now = time.monotonic()
        for connection in self._connections:
            if connection.stage is not Stage.IN_PROGRESS and connection.deadline < now:
                self._end_of_time(connection)

    def _wait_for_the_last(self) -> None:
        """Requests that are whole are answered; those that aren't have a moment to become it."""
        end = time.monotonic() + self.cfg.graceful_timeout
        soon = time.monotonic() + STOP_S
        for connection in self._connections:
            if connection.stage in (Stage.HANDSHAKE, Stage.ARRIVING, Stage.IDLE):
                connection.deadline = min(connection.deadline, soon)
        while self._connections and time.monotonic() < end:
            self._turn()

    def handle_quit(self, sig: int, frame: Any) -> None:
        self._health_pool.shutdown(wait=False)
        super().handle_quit(sig, frame)

    def accept(self, listener: Any) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            try:
                sock, client = listener.accept()
            except OSError as error:
                if error.errno in (errno.EMFILE, errno.ENFILE):
                    log.warning("there are no more file descriptors: lower FACES_MAX_CONNECTIONS")
                    time.sleep(0.01)  # else the loop turns without a pause
                elif error.errno not in (errno.EAGAIN, errno.EWOULDBLOCK, errno.ECONNABORTED):
                    raise
                return
            self._add(sock, client, listener.getsockname())

    def _add(self, sock: socket.socket, client: tuple[str, int], server: tuple[str, int]) -> None:
        try:
            tls = self._certificate.context() if self._certificate else None
            connection = Connection(sock, client, server, self._limits, tls)
        except (OSError, ValueError):  # gone already
            sock.close()
            return
        try:
            if in_the_way := self._connections.in_the_way_of(connection.network):
                self._close(in_the_way)
        except LookupError:
            connection.close()
            return
        self._connections.add(connection)
        connection.enter(connection.stage, self._timeout)
        self.poller.register(connection.sock, selectors.EVENT_READ, partial(self._on_event, connection))
        self._on_event(connection)  # most clients have sent by now

    def _close(self, connection: Connection) -> None:
        if connection in self._connections:
            self._unwatch(connection)
            self._connections.remove(connection)
            connection.close()

    def _watch(self, connection: Connection, events: int) -> None:
        callback = partial(self._on_event, connection)
        try:
            self.poller.modify(connection.sock, events, callback)
        except KeyError:
            self.poller.register(connection.sock, events, callback)

    def _unwatch(self, connection: Connection) -> None:
        with suppress(KeyError, ValueError):
            self.poller.unregister(connection.sock)

    def _on_event(self, connection: Connection, _: Any = None) -> None:
        if connection not in self._connections:  # closed by an earlier event of the same turn
            return
        try:
            if connection.stage is Stage.HANDSHAKE:
                self._shake_hands(connection)
            elif connection.stage in (Stage.IDLE, Stage.ARRIVING):
                self._receive(connection)
            elif connection.stage is Stage.ANSWERING:
                self._send(connection)
            elif connection.stage is Stage.LINGERING and not connection.drop(self._buffer):
                self._close(connection)
        except Disconnected:
            self._close(connection)

    def _shake_hands(self, connection: Connection) -> None:
        if connection.shake_hands():
            connection.stage = Stage.ARRIVING  # of which the time is a part
            self._watch(connection, selectors.EVENT_READ)
            self._receive(connection)
        else:
            self._watch(
                connection, selectors.EVENT_WRITE if connection.wants_to_write else selectors.EVENT_READ
            )

    def _receive(self, connection: Connection) -> None:
        may_send_more = connection.receive(self._buffer)
        arrival = connection.arrival
        if connection.stage is Stage.IDLE and arrival.size:
            connection.enter(Stage.ARRIVING, self._timeout)
        if not may_send_more and not arrival.ready:
            if arrival.head is None:
                self._close(connection)
                return
            arrival.hand_on()
        if not self._connections.claim(connection, connection.received):
            self._make_room(connection)
        if connection not in self._connections:
            return
        if arrival.ready:
            self._hand_on(connection)
        elif arrival.head and arrival.head.expects_continue and not connection.has_continued:
            connection.has_continued = True
            connection.send(b"HTTP/1.1 100 Continue\r\n\r\n")
            connection.flush()  # so few bytes are taken

    def _make_room(self, connection: Connection) -> None:
        """For this connection's bytes, at the cost of one that is slow, or else at its own."""
        victim = self._connections.hoarder() or connection
        if victim.arrival.head is None or victim.stage is Stage.ANSWERING:
            self._close(victim)
            return
        victim.arrival.hand_on(FaceServiceError("overloaded", "too many bytes are in progress"))
        if victim is not connection:
            self._hand_on(victim)

    def _end_of_time(self, connection: Connection) -> None:
        arrival = connection.arrival
        if connection.stage is Stage.ARRIVING and arrival.head and not arrival.ready:
            problem = f"the request didn't arrive within {self._timeout} s"
            arrival.hand_on(FaceServiceError("request_timeout", problem))
            self._hand_on(connection)
        else:
            self._close(connection)

    def _hand_on(self, connection: Connection) -> None:
        """Has a thread answer the request."""
        self._unwatch(connection)
        connection.stage = Stage.IN_PROGRESS
        head = connection.arrival.head
        pool: Executor = (
            self._health_pool if head and head.path.decode("latin-1") in HEALTH_PATHS else self.tpool
        )
        pool.submit(self._answer, connection).add_done_callback(
            lambda done: self.method_queue.defer(self._end_of_request, connection, done)
        )

    def _answer(self, connection: Connection) -> None:
        """In a thread: the parser, the application, and as much of sending as doesn't wait."""
        arrival = connection.arrival
        exchange = Exchange(connection)
        connection.keeps_alive = False
        request = None
        try:
            parser = RequestParser(self.cfg, iter(()), connection.client)
            parser.unreader = arrived = ArrivedBytes(arrival)
            request = next(parser)
            request._expected_100_continue = False  # the loop has said it
            if not arrival.whole:
                request.force_close()
            connection.keeps_alive = self.handle_request(request, exchange) and arrival.whole
            if arrival.is_chunked and not arrived.is_exhausted:  # gunicorn hasn't agreed where it ends
                connection.keeps_alive = False
        except (NoMoreData, StopIteration):
            pass
        except Exception as error:
            self.handle_error(request, exchange.sock, connection.client, error)
        arrival.pieces.clear()
        for part in exchange.sock.taken():
            connection.send(part)

    def _end_of_request(self, connection: Connection, done: Future[None]) -> None:
        if connection not in self._connections:
            return
        if done.cancelled() or done.exception():
            self._close(connection)
            return
        connection.enter(Stage.ANSWERING, self._timeout)
        try:
            self._send(connection)
        except Disconnected:
            self._close(connection)

    def _send(self, connection: Connection) -> None:
        if not connection.flush():
            if not self._connections.claim(connection, connection.unsent):
                self._make_room(connection)
            if connection in self._connections:
                self._watch(connection, selectors.EVENT_WRITE)
            return
        self._connections.release(connection)
        if not connection.keeps_alive:
            connection.finish_sending()
            connection.enter(Stage.LINGERING, LINGER_S)
            self._watch(connection, selectors.EVENT_READ)
            return
        connection.begin_next()
        connection.enter(Stage.IDLE, self.cfg.keepalive if self.alive else STOP_S)
        self._watch(connection, selectors.EVENT_READ)
        self._receive(connection)
