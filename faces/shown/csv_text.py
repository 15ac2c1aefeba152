"""Text from outside in CSV: as it is, and text in a spreadsheet, too."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from faces.shown.printable import printable

FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet takes for a formula, which may run a program or send other cells."""


def row(values: Sequence[Any]) -> str:
    """One line. Text is a cell of text; None is an empty cell."""
    buffer = io.StringIO()
    csv.writer(buffer, lineterminator="").writerow([_cell(value) for value in values])
    return buffer.getvalue()


def not_a_formula(text: str) -> str:
    """With an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _cell(value: Any) -> Any:
    return not_a_formula(printable(value)) if isinstance(value, str) else value
