"""The file of photos that failed: a line each, with its code, the reason and what to do."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path

from es_setup.private_files import PrivateReplacement
from faces.indexing.outcomes import IndexedPhoto
from faces.indexing.remedies import remedy
from faces.photos import SentPhoto
from faces.shown.csv_text import not_a_formula

COLUMNS = ("path", "line", "code", "reason", "remedy", "id")


def _as_csv(values: dict[str, object]) -> str:
    text = io.StringIO()
    csv.writer(text).writerow(
        not_a_formula(value) if isinstance(value, str) else value for value in values.values()
    )
    return text.getvalue()


def _as_ndjson(values: dict[str, object]) -> str:
    return json.dumps({name: value for name, value in values.items() if value is not None}) + "\n"


FORMS: dict[str, Callable[[dict[str, object]], str]] = {
    ".csv": _as_csv,
    ".ndjson": _as_ndjson,
    ".jsonl": _as_ndjson,
}
"""Suffix of the file, in lower case -> how a failure is written."""


class FailuresFile:
    """Writes failures as they come, and shows the file only when it is whole: a full disk leaves none.

    Args:
        path: ends with one of ``FORMS``.
    """

    def __init__(self, path: Path) -> None:
        self._file = PrivateReplacement(path)
        self._form = FORMS[path.suffix.lower()]
        if self._form is _as_csv:
            self._file.write(_as_csv(dict(zip(COLUMNS, COLUMNS, strict=True))).encode())

    def add(self, photo: IndexedPhoto) -> None:
        """Nothing is written of a photo without an error."""
        if photo.error is None:
            return
        line = photo.photo.line if isinstance(photo.photo, SentPhoto) else None
        key = photo.key[1] if photo.key else None
        values = (photo.photo.name, line, photo.code, photo.error, remedy(photo.code), key)
        self._file.write(self._form(dict(zip(COLUMNS, values, strict=True))).encode())

    def finish(self) -> None:
        """
        Raises:
            OSError: it couldn't be written; there is no part of it.
        """
        self._file.finish()
