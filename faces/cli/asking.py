"""Asks a person: at a terminal for a key, else for a line of standard input."""

from __future__ import annotations

import sys

import typer

from faces.cli.output import out

LONGEST = 10_000
"""Characters of a line that are read."""


def key(question: str) -> str | None:
    """The pressed key in small letters, or the first letter of the next line: empty if that is blank, None at
    the end of the input."""
    if not sys.stdin.isatty():
        answer = line(question)
        return None if answer is None else answer[:1].lower()
    out.print(question, end=" ")
    try:
        pressed = typer.getchar()
    except EOFError:
        out.print()
        return None
    out.print(pressed)
    return pressed.strip().lower()


def line(question: str) -> str | None:
    """The next line, without blanks at its ends; None at the end of the input."""
    out.print(question, end=" ")
    read = sys.stdin.readline(LONGEST)
    if not sys.stdin.isatty():
        # As if somebody had typed it.
        out.print(read.strip())
    return read.strip() if read else None
