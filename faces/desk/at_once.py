"""Two things at once, each of which mostly waits for Elasticsearch."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

A = TypeVar("A")
B = TypeVar("B")


def both(one: Callable[[], A], other: Callable[[], B]) -> tuple[A, B]:
    """The results of both; raises what either does."""
    with ThreadPoolExecutor(1) as beside:
        meanwhile = beside.submit(other)
        return one(), meanwhile.result()
