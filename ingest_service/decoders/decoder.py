"""A decoder: a process that decodes one photo after another, each within bounds that the kernel enforces."""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import tempfile
from mmap import mmap
from pathlib import Path

from ingest_service import costs
from ingest_service.decoders import messages
from ingest_service.errors import FaceServiceError
from ingest_service.reading import Header, read


class Dropped(Exception):
    """The service doesn't want this photo decoded now."""


class BoundedSpace:
    """Bounds CPU time and memory by a photo's header, and shares the pixels by a file without a name, which
    nobody needs to delete. A large photo is decoded once the service agrees; others don't wait for a service
    that is busy."""

    def __init__(self, service: socket.socket) -> None:
        self._service = service
        self.file = -1

    def opened(self, header: Header) -> None:
        messages.send(self._service, {"opened": vars(header)})
        if header.pixels > costs.LARGE:
            answer, _ = messages.receive(self._service)
            if not answer["decode"]:
                raise Dropped
        _bound(header.file_bytes, header.pixels)

    def pixels(self, size: int) -> memoryview:
        self.file = _nameless_file()
        os.ftruncate(self.file, size)
        return memoryview(mmap(self.file, size))


def serve(service: socket.socket) -> None:
    """Decodes what the service sends, until it hangs up."""
    while True:
        try:
            asked, _ = messages.receive(service)
            _bound(asked["size"], 0)
            data = messages.exactly(service, asked["size"])
            sent = data if asked["is_bytes"] else data.decode("utf-8", "surrogatepass")
            del data
            _answer(service, sent, asked["max_bytes"], asked["max_pixels"], asked["enough"])
        except (EOFError, OSError):  # the service has ended, or wants no answer
            return
        _unbound()


def _answer(
    service: socket.socket, sent: object, max_bytes: int, max_pixels: int, enough: int | None
) -> None:
    space = BoundedSpace(service)
    try:
        facts = read(sent, max_bytes, max_pixels, space, enough)
    except Dropped:
        messages.send(service, {"dropped": True})
    except FaceServiceError as error:
        messages.send(service, {"error": {"code": error.code, "problem": error.problem}})
    except MemoryError:
        problem = "reading the photo's header takes too much memory"
        messages.send(service, {"error": {"code": "too_costly", "problem": problem}})
    else:
        messages.send(service, {"photo": vars(facts)}, space.file)
    finally:
        if space.file >= 0:
            os.close(space.file)


def _bound(file_bytes: int, pixels: int) -> None:
    """From now on. The kernel ends the process when the CPU time, of all its threads, is used up; what is
    allocated beyond the bound is a ``MemoryError``. macOS has no such bound."""
    signal.setitimer(signal.ITIMER_PROF, costs.seconds(file_bytes, pixels))
    if sys.platform == "linux":
        bound = _data_bytes() + costs.memory(file_bytes, pixels)
        resource.setrlimit(resource.RLIMIT_DATA, (bound, resource.RLIM_INFINITY))


def _unbound() -> None:
    signal.setitimer(signal.ITIMER_PROF, 0)
    if sys.platform == "linux":
        resource.setrlimit(resource.RLIMIT_DATA, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _data_bytes() -> int:
    """What counts for ``RLIMIT_DATA`` now."""
    pages = int(Path("/proc/self/statm").read_text().split()[5])  # of data and stack
    return pages * resource.getpagesize()


def _nameless_file() -> int:
    if hasattr(os, "memfd_create"):  # Linux
        return os.memfd_create("pixels")
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())
