"""The process from which decoders are forked: it has imported what they need, so that a new one is there
within milliseconds and shares its memory. It ends, with all of them, when the service does.

``python -m ingest_service.decoders.fork_server FD``: the descriptor of the socket to the service.
"""

from __future__ import annotations

import contextlib
import gc
import os
import select
import signal
import socket
import sys
from typing import Any

from PIL import Image

from ingest_service.decoders import decoder, messages

NICER = 5
"""Added to the niceness of decoders that take long: about a third of the others' share of a core."""
IGNORED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
"""They may be sent to the whole group of processes, while the service finishes what it has accepted."""


class ForkServer:
    """Does what the service asks: forks, kills, and slows decoders, by numbers that the service gives."""

    def __init__(self, service: socket.socket) -> None:
        self._service = service
        self._pids: dict[int, int] = {}  # number -> pid
        self._ended, ending = os.pipe()
        os.set_blocking(ending, False)
        signal.set_wakeup_fd(ending, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def run(self) -> None:
        """Until the service hangs up."""
        try:
            while True:
                ready, _, _ = select.select([self._service.fileno(), self._ended], [], [])
                if self._ended in ready:
                    os.read(self._ended, 4096)
                    self._report_ended()
                if self._service.fileno() in ready:
                    self._obey(*messages.receive(self._service))
        except (EOFError, OSError):
            pass
        for pid in self._pids.values():
            os.kill(pid, signal.SIGKILL)

    def _obey(self, asked: dict[str, Any], file: int | None) -> None:
        number = asked["number"]
        if file is not None:
            self._fork(number, socket.socket(fileno=file))
        elif number in self._pids:  # else it has just ended
            if asked["do"] == "kill":
                os.kill(self._pids[number], signal.SIGKILL)
            else:
                os.setpriority(os.PRIO_PROCESS, self._pids[number], NICER)

    def _fork(self, number: int, end: socket.socket) -> None:
        pid = os.fork()
        if pid == 0:
            with contextlib.suppress(BaseException):
                signal.set_wakeup_fd(-1)
                signal.signal(signal.SIGCHLD, signal.SIG_DFL)
                self._service.close()
                decoder.serve(end)
            os._exit(0)
        end.close()
        self._pids[number] = pid

    def _report_ended(self) -> None:
        numbers = {pid: number for number, pid in self._pids.items()}
        with contextlib.suppress(ChildProcessError):  # none is left
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    break
                number = numbers[pid]
                del self._pids[number]
                messages.send(self._service, {"number": number, "status": status})


def main(descriptor: int) -> None:
    for number in IGNORED:
        signal.signal(number, signal.SIG_IGN)
    Image.init()
    gc.collect()
    gc.freeze()  # else its next run would copy every page that decoders share
    ForkServer(socket.socket(fileno=descriptor)).run()


if __name__ == "__main__":
    main(int(sys.argv[1]))
