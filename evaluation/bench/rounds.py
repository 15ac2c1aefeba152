"""Rounds of measurements: their spread, and contenders in their own processes."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from ingest_service.weights.cache import Cache

JSON = {"Content-Type": "application/json"}

# Runs `work`, defined in the code before it, once for each line of input; a first run, to warm up, isn't
# timed.
ROUNDS = """
import sys, time
work()
print("READY", flush=True)
for _ in sys.stdin:
    started = time.perf_counter()
    work()
    print("ROUND", time.perf_counter() - started, flush=True)
"""


@dataclass(frozen=True)
class Worker:
    """A contender's process, which runs a round on request."""

    process: subprocess.Popen[str]

    @property
    def pid(self) -> int:
        return self.process.pid

    def round(self) -> float:
        """The round's seconds."""
        assert self.process.stdin is not None
        self.process.stdin.write("go\n")
        self.process.stdin.flush()
        return float(self.wait_for("ROUND").split()[1])

    def wait_for(self, word: str) -> str:
        """The next line that starts with it."""
        assert self.process.stdout is not None
        for line in self.process.stdout:
            if line.startswith(word):
                return line
        raise RuntimeError(f"a contender ended with status {self.process.wait()} before it printed {word}")


@contextmanager
def worker_process(
    code: str,
    arguments: list[str],
    environment: dict[str, str] | None = None,
    python: str = sys.executable,
) -> Iterator[Worker]:
    """A contender in its own process, warmed up.

    Args:
        code: Python that defines a function ``work`` without arguments.
        environment: default: this process's.
    """
    process = subprocess.Popen(
        [python, "-c", code + ROUNDS, *arguments],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    try:
        worker = Worker(process)
        worker.wait_for("READY")
        yield worker
    finally:
        process.kill()
        process.wait()


def deepface_environment(cache: Cache) -> dict[str, str]:
    """For a process that runs DeepFace, with our copy of its weights."""
    return os.environ | {
        "DEEPFACE_HOME": str(cache.deepface_home),
        "TF_USE_LEGACY_KERAS": "1",
        "TF_CPP_MIN_LOG_LEVEL": "3",
        "ORT_DISABLE_TELEMETRY": "1",
    }


def seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def spread(values: list[float]) -> dict[str, float]:
    return {
        "min": round(min(values), 3),
        "median": round(statistics.median(values), 3),
        "max": round(max(values), 3),
    }


def shown(values: dict[str, float]) -> str:
    return f"{values['median']:.3g} ({values['min']:.3g}, {values['max']:.3g})"
