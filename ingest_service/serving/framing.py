"""As much of HTTP/1.1 as is needed to know where a request ends.

Whatever is odd is left to gunicorn's parser, which refuses it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

LONGEST_HEAD = 65_536
"""Bytes of request line and headers. gunicorn allows 8,190 a line, and 100 lines."""
LONGEST_LINE = 8_190
"""Bytes of a chunk's size with its extensions, or of a trailer."""
LONGEST_TRAILERS = 65_536
FREE_CHUNKS = 1_000
SMALLEST_CHUNK = 256
"""Bytes that chunks must have on average after the first ``FREE_CHUNKS``: each takes time of the loop, which
all connections share."""

TOKEN = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
REQUEST_LINE = re.compile(rb"[A-Z]+ ([!-~]+) HTTP/1\.([01])")
CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?\r\n", re.DOTALL)
CONTENT_LENGTH = re.compile(rb"[0-9]{1,18}")


class NotUnderstood(Exception):
    """For gunicorn's parser to refuse."""


class HeadTooLong(Exception):
    """Without an end after ``LONGEST_HEAD`` bytes."""


class ChunksTooSmall(Exception):
    """gunicorn would read them all the same, for a long time."""


class BodyTooLong(Exception):
    """More bytes than its limit."""


@dataclass(frozen=True)
class Head:
    """
    path: without the query.
    length: of the body, in bytes; None if it comes in chunks.
    expects_continue: the client waits for a `100 Continue` before it sends the body.
    authorization: the header's value; empty if it is absent or there are several.
    """

    path: bytes
    length: int | None
    expects_continue: bool
    authorization: str


def head_size(data: bytes | bytearray) -> int | None:
    """Bytes up to the end of the blank line; None while that is absent.

    Raises:
        HeadTooLong: there is none within the limit.
        NotUnderstood: a line ends without a carriage return.
    """
    end = data.find(b"\r\n\r\n", 2)  # an empty line before the request is allowed
    stop = len(data) if end < 0 else end + 2
    if stop > LONGEST_HEAD:
        raise HeadTooLong
    if data.count(b"\n", 0, stop) != data.count(b"\r\n", 0, stop):
        raise NotUnderstood
    return None if end < 0 else end + 4


def read_head(data: bytes) -> Head:
    """
    Raises:
        NotUnderstood: it isn't plainly HTTP/1.0 or 1.1, or the body's end is ambiguous.
    """
    first, *lines = data.removeprefix(b"\r\n").removesuffix(b"\r\n\r\n").split(b"\r\n")
    request_line = REQUEST_LINE.fullmatch(first)
    if request_line is None:
        raise NotUnderstood
    headers: dict[bytes, list[bytes]] = {}
    for line in lines:
        name, colon, value = line.partition(b":")
        if not colon or not TOKEN.fullmatch(name):
            raise NotUnderstood
        headers.setdefault(name.lower(), []).append(value.strip(b" \t"))
    is_1_1 = request_line[2] == b"1"
    expected = [value.lower() for value in headers.get(b"expect", [])]
    authorization = headers.get(b"authorization", [])
    return Head(
        path=request_line[1].partition(b"?")[0],
        length=_body_length(headers, is_1_1),
        expects_continue=is_1_1 and expected == [b"100-continue"],
        authorization=authorization[0].decode("latin-1") if len(authorization) == 1 else "",
    )


def _body_length(headers: dict[bytes, list[bytes]], is_1_1: bool) -> int | None:
    lengths = headers.get(b"content-length", [])
    codings = headers.get(b"transfer-encoding", [])
    if codings:
        if lengths or not is_1_1 or [coding.lower() for coding in codings] != [b"chunked"]:
            raise NotUnderstood
        return None
    if len(lengths) > 1 or not all(CONTENT_LENGTH.fullmatch(length) for length in lengths):
        raise NotUnderstood
    return int(lengths[0]) if lengths else 0


class Chunks:
    """Finds the end of a body that comes in chunks.

    Args:
        most: bytes that the chunks may have together.
    """

    def __init__(self, most: int) -> None:
        self.complete = False
        self._most = most
        self._line = bytearray()
        self._to_skip = 0  # of the present chunk and its line's end
        self._in_trailers = False
        self._chunks = self._size = self._trailers = 0

    def feed(self, data: memoryview) -> int:
        """How many of these bytes belong to the body.

        Raises:
            NotUnderstood: they aren't chunks.
            ChunksTooSmall, BodyTooLong
        """
        at = 0
        while at < len(data) and not self.complete:
            if self._to_skip:
                step = min(self._to_skip, len(data) - at)
                self._to_skip -= step
                at += step
                continue
            # No further than a line may be long: the rest of the data is searched once, not for each line.
            part = bytes(data[at : at + LONGEST_LINE])
            end = part.find(b"\n") + 1
            self._line += part[: end or len(part)]
            at += end or len(part)
            if len(self._line) > LONGEST_LINE:
                raise NotUnderstood
            if end:
                self._end_line(bytes(self._line))
                self._line.clear()
        return at

    def _end_line(self, line: bytes) -> None:
        if self._in_trailers:
            self._trailers += len(line)
            if self._trailers > LONGEST_TRAILERS:
                raise NotUnderstood
            self.complete = line == b"\r\n"
            return
        size = CHUNK_SIZE.fullmatch(line)
        if size is None:
            raise NotUnderstood
        self._begin_chunk(int(size[1], 16))

    def _begin_chunk(self, size: int) -> None:
        if size == 0:
            self._in_trailers = True
            return
        self._chunks += 1
        self._size += size
        self._to_skip = size + len(b"\r\n")
        if self._size > self._most:
            raise BodyTooLong
        if self._chunks > FREE_CHUNKS + self._size // SMALLEST_CHUNK:
            raise ChunksTooSmall
