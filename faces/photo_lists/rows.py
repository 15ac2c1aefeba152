"""The lines of a list in CSV or NDJSON. A line that can't be read fails alone."""

from __future__ import annotations

import csv
import io
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, BinaryIO, Literal

from ingest_service.errors import UserError

Form = Literal["csv", "ndjson"]
FORMS: dict[str, Form] = {".csv": "csv", ".tsv": "csv", ".ndjson": "ndjson", ".jsonl": "ndjson"}
"""Suffix of a list, in lower case -> its form."""
MAX_LINE = 64_000_000
"""Characters of a line or a cell: more than a photo that the service takes has in base64."""
TAGS, TAGS_SEPARATOR = "tags", ";"
"""The tags of a cell, and what stands between them."""
SEPARATORS = ",;\t"
"""Of a CSV file's cells: the one that its header has most."""


class ListUnreadable(UserError):
    """The list as a whole can't be read; the message says why."""


@dataclass(frozen=True)
class Row:
    """A line, from 1, and its values by name. A cell is text, of ``tags`` a list; empty ones are absent."""

    line: int
    values: dict[str, Any]


@dataclass(frozen=True)
class BadRow:
    """A line that can't be read, and what is wrong with it."""

    line: int
    problem: str


def read_rows(stream: BinaryIO, form: Form) -> Iterator[Row | BadRow]:
    """The lines as they are read, so that a list may be longer than the memory.

    Raises:
        ListUnreadable: a CSV file's header isn't one, or a line of CSV is too long.
    """
    return _csv_rows(stream) if form == "csv" else _ndjson_rows(stream)


def _csv_rows(stream: BinaryIO) -> Iterator[Row | BadRow]:
    # A cell that isn't UTF-8 fails alone, so its bytes are kept for a look at each cell.
    text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="surrogateescape", newline="")
    first = _line(text, 1)
    if "\0" in first or not _is_utf8(first):
        raise ListUnreadable("the list isn't UTF-8 text: save it as CSV in UTF-8")
    separator = max(SEPARATORS, key=first.count)
    csv.field_size_limit(MAX_LINE)
    (header,) = csv.reader([first], delimiter=separator) if first.strip() else ([],)
    names = [name.strip() for name in header]
    _check_header(names)
    reader = csv.reader(_lines_after(text), delimiter=separator, strict=True)
    while True:
        line = reader.line_num + 2
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            yield BadRow(line, f"it isn't CSV: {error}")
            continue
        if cells:
            yield _row(line, names, cells)


def _row(line: int, names: list[str], cells: list[str]) -> Row | BadRow:
    if len(cells) > len(names):
        return BadRow(line, f"it has {len(cells)} cells, and the header {len(names)}")
    if not all(_is_utf8(cell) for cell in cells):
        return BadRow(line, "it isn't UTF-8 text")
    values: dict[str, Any] = {name: cell for name, cell in zip(names, cells, strict=False) if cell.strip()}
    if TAGS in values:
        values[TAGS] = [tag.strip() for tag in values[TAGS].split(TAGS_SEPARATOR) if tag.strip()]
    return Row(line, values)


def _check_header(names: list[str]) -> None:
    if not {"path", "image"} & set(names):
        raise ListUnreadable(
            "the list's first line must name its columns, one of them [path] or [image]; it has "
            + (", ".join(f"[{name}]" for name in names[:20]) or "none")
        )
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice or "" in names:
        raise ListUnreadable(f"each column needs a name of its own: [{twice[0] if twice else ''}] isn't one")


def _lines_after(text: io.TextIOWrapper) -> Iterator[str]:
    number = 1
    while line := _line(text, number := number + 1):
        yield line


def _line(text: io.TextIOWrapper, number: int) -> str:
    line = text.readline(MAX_LINE)
    if len(line) == MAX_LINE:
        raise ListUnreadable(f"line {number} of the list has more than {MAX_LINE:,} characters")
    return line


def _is_utf8(text: str) -> bool:
    return text.isascii() or not any("\ud800" <= character <= "\udfff" for character in text)


def _ndjson_rows(stream: BinaryIO) -> Iterator[Row | BadRow]:
    number = 0
    while line := stream.readline(MAX_LINE):
        number += 1
        if len(line) == MAX_LINE:
            while line and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE)
            yield BadRow(number, f"it has more than {MAX_LINE:,} bytes")
        elif line.strip():
            yield _object(number, line)


def _object(number: int, line: bytes) -> Row | BadRow:
    try:
        text = line.decode("utf-8-sig")
        found = json.loads(text, parse_constant=_no_number)
        # Half a character, as no document has.
        json.dumps(found if "\\u" in text else None, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return BadRow(number, "it has half a character (an escape such as \\ud800)")
    except UnicodeDecodeError:
        return BadRow(number, "it isn't UTF-8 text")
    except (ValueError, RecursionError) as error:
        # What else Python says may repeat the line, which may have a photo.
        where = (
            f": {error.msg} at character {error.pos + 1}" if isinstance(error, json.JSONDecodeError) else ""
        )
        return BadRow(number, f"it isn't JSON{where}")
    if not isinstance(found, dict):
        return BadRow(number, "it isn't an object: a line is {...}")
    return Row(number, found)


def _no_number(name: str) -> None:
    raise ValueError(name)
