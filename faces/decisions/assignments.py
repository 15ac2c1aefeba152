"""A table of who is who: CSV with a photo or an id, a face, and a name in each row."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from faces.names import nfc
from ingest_service.errors import WrongArguments

PHOTO, FACE, NAME = ("photo", "id", "path", "file"), "face", "name"
"""The first of these columns that a table has says which photo or face a row is about."""


class BadTable(WrongArguments):
    """No table of who is who; the message says what it lacks."""


@dataclass(frozen=True)
class Assignment:
    """One row.

    number: of its line, as an editor counts.
    photo: as a user names one; face: its position, if the row says it.
    problem: why the row can't be used.
    """

    number: int
    photo: str
    face: int | None
    name: str
    problem: str | None = None


def assignments(text: str, name: str | None = None) -> Iterator[Assignment]:
    """Each row of a table with a header.

    Args:
        text: columns are separated by commas; by semicolons or tabs if the header has no comma.
        name: of rows without one.

    Raises:
        BadTable: it lacks a column.
    """
    header = text.lstrip("\ufeff").partition("\n")[0]
    delimiter = next((one for one in ",;\t" if one in header), ",")
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff"), newline=""), delimiter=delimiter)
    columns = {str(column).strip().casefold(): column for column in reader.fieldnames or []}
    photo = next((columns[one] for one in PHOTO if one in columns), None)
    if photo is None or (NAME not in columns and name is None):
        has = ", ".join(f"[{column}]" for column in columns)
        raise BadTable(
            f"the table has the columns {has or 'none'}: it needs [photo] or [id], [name], and [face] "
            "where a photo has several faces"
        )
    try:
        for row in reader:
            if not any(value for value in row.values() if isinstance(value, str)):
                continue
            who = _cell(row, columns.get(NAME)) or name or ""
            face = _cell(row, columns.get(FACE))
            yield _assignment(reader.line_num, nfc(_cell(row, photo)), face, who)
    except csv.Error as error:
        raise BadTable(f"line {reader.line_num} of the table can't be read: {error}") from None


def _assignment(number: int, photo: str, face: str, name: str) -> Assignment:
    problem = None
    position = int(face) if face.isdecimal() else None
    if not photo:
        problem = "no photo or id"
    elif not name.strip():
        problem = "no name"
    elif face and position is None:
        problem = f"face [{face}] is not a position such as 0"
    return Assignment(number, photo, position, name, problem)


def _cell(row: dict[str, str | None], column: str | None) -> str:
    value = row.get(column) if column is not None else None
    return value.strip() if isinstance(value, str) else ""
