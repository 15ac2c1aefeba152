"""One photo in one decoder: when it is let in, when it takes too long, and how it ends."""

from __future__ import annotations

import os
import signal
from mmap import ACCESS_READ, mmap
from typing import Any

from ingest_service import costs
from ingest_service.decoders.lanes import Lane, Lanes, Turn
from ingest_service.decoders.processes import DecoderProcess
from ingest_service.decoding import Photo
from ingest_service.errors import FaceServiceError
from ingest_service.reading import Facts, Header

PATIENCE_S = 0.25
"""Seconds that a photo may keep others from the fast lane. Photos that aren't large take a tenth of it."""


class TakesLong(Exception):
    """The photo belongs into the slow lane, where there is no room now."""


class Stopped(Exception):
    """The decoder was killed from outside: the photo may be innocent."""


class Attempt:
    """
    Args:
        sent_bytes: of the photo as sent, which are at least its file's.
    """

    def __init__(self, process: DecoderProcess, lanes: Lanes, turn: Turn, sent_bytes: int) -> None:
        self.process = process
        self.turn = turn
        self.is_done = False
        self._lanes = lanes
        self._header = Header(sent_bytes, 0, 0)
        self._is_slowed = False

    @property
    def is_reusable(self) -> bool:
        """Whether the decoder is as before."""
        return self.is_done and not self._is_slowed and self._header.pixels <= costs.LARGE

    @property
    def memory(self) -> int:
        """Bytes, at most."""
        return costs.memory(self._header.file_bytes, self._header.pixels)

    def photo(self, sent: str | bytes, bounds: dict[str, int | None]) -> Photo:
        """
        Args:
            bounds: ``max_bytes``, ``max_pixels`` and ``enough``, as ``read`` takes them.

        Raises:
            FaceServiceError: with one of the codes of a photo's own errors; or ``overloaded``.
            TakesLong: the photo must wait for the slow lane.
            EOFError, OSError: the decoder has ended.
        """
        self._send(sent, bounds)
        message, file = self._answer()
        if "opened" in message:
            self._header = Header(**message["opened"])
            if self._header.pixels > costs.LARGE:
                self.process.send({"decode": self._has_its_lane()})
            message, file = self._answer()
        self.is_done = True
        if "dropped" in message:
            raise TakesLong
        if "error" in message:
            raise FaceServiceError(**message["error"])
        return _photo(Facts(**message["photo"]), file)

    def _send(self, sent: str | bytes, bounds: dict[str, int | None]) -> None:
        data = sent if isinstance(sent, bytes) else sent.encode("utf-8", "surrogatepass")
        asked = {**bounds, "size": len(data), "is_bytes": isinstance(sent, bytes)}
        self.process.send(asked, data)

    def _has_its_lane(self) -> bool:
        """A large photo's is the slow one."""
        return self.turn.lane is Lane.SLOW or self._lanes.to_slow(self.turn, self.memory)

    def _answer(self) -> tuple[dict[str, Any], int | None]:
        while not self._is_slowed and not self.process.answers_within(PATIENCE_S):
            if self.turn.lane is Lane.SLOW or self._lanes.to_slow(self.turn, self.memory):
                self.process.slow()
                self._is_slowed = True
            elif self._lanes.others_wait():
                raise TakesLong
        return self.process.receive()

    def why_it_ended(self) -> tuple[str, Exception]:
        """In a word for the metrics, and what to raise."""
        status = self.process.status()
        number = None if status is None else os.WTERMSIG(status)  # 0 if it ended by itself
        if number == signal.SIGPROF:
            allowed = costs.seconds(self._header.file_bytes, self._header.pixels)
            problem = f"decoding the photo takes over {allowed:.1f} s of CPU time"
            return "cpu", FaceServiceError("too_costly", problem)
        if number in (None, signal.SIGKILL):
            return "killed", Stopped()
        return "crash", FaceServiceError("damaged", "the picture can't be decoded")


def _photo(facts: Facts, file: int | None) -> Photo:
    width, height = facts.decoded_size
    size = 3 * width * height
    if file is None:
        raise EOFError
    try:
        if os.fstat(file).st_size != size:
            raise EOFError
        return Photo.of(facts, mmap(file, size, access=ACCESS_READ))
    finally:
        os.close(file)
