"""A request while it arrives: its bytes, and whether it is whole."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from gunicorn.http.errors import LimitRequestHeaders
from gunicorn.http.unreader import Unreader

from ingest_service.errors import FaceServiceError
from ingest_service.keys import is_authorized
from ingest_service.serving.framing import (
    BodyTooLong,
    Chunks,
    ChunksTooSmall,
    Head,
    HeadTooLong,
    NotUnderstood,
    head_size,
    read_head,
)

STEP = 16_384
"""Bytes to read at a time where the request may end within them: the rest is the next request's."""
BODY_STEP = 262_144
PIECE = 65_536
"""Bytes up to which a piece of the body grows: a sender of single bytes shall not make an object of each."""


@dataclass(frozen=True)
class ArrivalLimits:
    """
    body: bytes of a request's body.
    api_keys: of which one is needed before a body is taken; none if empty.
    """

    body: int
    api_keys: tuple[str, ...]


class Arrival:
    """The bytes of one request.

    ``ready``: a thread may answer it. It is then either ``whole``, or is to be refused for what is here.
    ``refusal``: is raised to whoever reads on behind the bytes that are here; None: they just end.
    """

    def __init__(self, limits: ArrivalLimits) -> None:
        self.head: Head | None = None
        self.pieces: deque[bytearray] = deque([bytearray()])
        self.size = 0
        self.ready = False
        self.whole = False
        self.refusal: Exception | None = None
        self._limits = limits
        self._missing = 0  # bytes of a body with a stated length
        self._chunks: Chunks | None = None

    @property
    def is_chunked(self) -> bool:
        return self._chunks is not None

    @property
    def wanted(self) -> int:
        """How many bytes to read at once."""
        return min(max(self._missing, 1), BODY_STEP) if self._missing else STEP

    def feed(self, data: memoryview) -> memoryview:
        """Takes the request's bytes, and returns those behind it."""
        try:
            if self.head is None:
                data = self._feed_head(data)
            if self.head is not None and not self.ready:
                data = self._feed_body(data)
        except NotUnderstood:
            self.hand_on()
        except HeadTooLong:
            self.hand_on(LimitRequestHeaders("over 64 KiB"))
        except BodyTooLong:
            self.hand_on(FaceServiceError("body_too_large", "the request is too large"))
        except ChunksTooSmall:
            self.hand_on(FaceServiceError("bad_request", "the body's chunks are too small"))
        return data

    def hand_on(self, refusal: Exception | None = None) -> None:
        """Has it answered as it is."""
        self.refusal = refusal
        self.ready = True

    def _feed_head(self, data: memoryview) -> memoryview:
        head = self.pieces[0]
        before = len(head)
        head += data
        self.size = len(head)
        size = head_size(head)
        if size is None:
            return data[len(data) :]
        del head[size:]
        self.size = size
        self.head = read_head(bytes(head))
        if self.head.length is None:
            self._chunks = Chunks(self._limits.body)
        else:
            self._missing = self.head.length
        if not self._takes_body():
            self.hand_on()
        return data[size - before :]

    def _takes_body(self) -> bool:
        """Else the application refuses the request without its body."""
        assert self.head is not None
        is_short_enough = self._missing <= self._limits.body
        return is_short_enough and is_authorized(self.head.authorization, self._limits.api_keys)

    def _feed_body(self, data: memoryview) -> memoryview:
        if self._chunks:
            used = 0
            try:
                used = self._chunks.feed(data)
            except (NotUnderstood, ChunksTooSmall, BodyTooLong):
                used = len(data)
                raise
            finally:
                self._keep(data[:used])
            if self.size > 2 * self._limits.body + STEP:
                raise ChunksTooSmall
        else:
            used = min(self._missing, len(data))
            self._keep(data[:used])
            self._missing -= used
        self.whole = self.ready = self._chunks.complete if self._chunks else not self._missing
        return data[used:]

    def _keep(self, data: memoryview) -> None:
        if len(self.pieces) == 1 or len(self.pieces[-1]) > PIECE:  # the first one is the head
            self.pieces.append(bytearray())
        self.pieces[-1] += data
        self.size += len(data)


class ArrivedBytes(Unreader):  # type: ignore[misc]
    """An arrival's bytes for gunicorn's parser, which never waits for a socket here."""

    def __init__(self, arrival: Arrival) -> None:
        super().__init__()
        self._arrival = arrival
        self._at = 0

    def chunk(self, size_hint: int | None = None) -> bytes:
        """The next bytes; empty behind the last.

        Raises:
            Exception: the arrival's ``refusal``, behind the last.
        """
        pieces = self._arrival.pieces
        while pieces and self._at >= len(pieces[0]):
            pieces.popleft()
            self._at = 0
        if not pieces:
            if self._arrival.refusal:
                raise self._arrival.refusal
            return b""
        end = self._at + min(max(size_hint or 0, STEP), BODY_STEP)
        part = bytes(memoryview(pieces[0])[self._at : end])
        self._at += len(part)
        return part

    @property
    def is_exhausted(self) -> bool:
        """Whether the parser has taken every byte."""
        left = sum(len(piece) for piece in self._arrival.pieces) - self._at
        return not left and not self.buf.getvalue()
