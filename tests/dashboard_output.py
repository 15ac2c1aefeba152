"""Reads what `faces dashboards` prints."""

from __future__ import annotations


def said_of(out: str, title: str) -> str:
    """What the line about this object says: its state, and more."""
    (line,) = [line for line in out.split("\n") if f" {title}: " in line and not line.startswith("problem: ")]
    return line.partition(f" {title}: ")[2]


def problems(out: str) -> list[str]:
    return [line for line in out.split("\n") if line.startswith("problem: ")]
