"""What `./run bench desk` judges."""

from __future__ import annotations

import pytest

from desk_preview.stock import Stock
from evaluation.bench import desk
from evaluation.bench.bars import judged
from evaluation.bench.desk_clicks import CLICKS, clicks


def found(ratio: float, p50: float, number: int = CLICKS) -> dict:
    asked = {"ratio": {"min": 1.0, "median": ratio, "max": 9.0}}
    return {"asking": {"one face": asked}, "clicking": {"clicks": number, "p50_ms": p50}}


@pytest.mark.parametrize(
    ("figures", "passed"),
    [
        (found(1.5, 299.9), True),
        (found(1.51, 100), False),
        (found(1.2, 300), False),
        (found(1.2, 100, CLICKS - 1), False),
    ],
)
def test_a_bar_that_is_missed_fails_the_bench(figures, passed):
    assert judged(desk.bars(figures))["passed"] is passed


def test_there_are_fifty_clicks():
    assert len(list(clicks(Stock(b"", b"", b"", b"")))) == CLICKS
