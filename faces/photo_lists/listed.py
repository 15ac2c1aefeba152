"""The photos of a list: those in files below a folder, and those in the list itself."""

from __future__ import annotations

import base64
import binascii
import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from faces.indexing.outcomes import IndexedPhoto, Outcome, failed
from faces.names import nfc
from faces.photo_folders.file_kinds import skipped_as
from faces.photo_lists.own_fields import NotAField, own_fields
from faces.photo_lists.rows import BadRow, Row
from faces.photos import SentPhoto, link_to, readable

DATA_URI = re.compile(r"data:[^,]*;base64,", re.IGNORECASE)
LONGEST_ID = 512
"""Bytes of a document's id, in Elasticsearch."""


class _Unfit(Exception):
    """A line that can't be sent: the code of ``REMEDIES``, and why."""

    def __init__(self, code: str, problem: str) -> None:
        super().__init__(problem)
        self.code = code


@dataclass(frozen=True)
class PhotoList:
    """How the lines of a list are read.

    root: the folder that paths are relative to. A file is read only if it lies below, whatever links lead to
        it: so a list from a stranger sends no other file of this machine.
    labels_from_folders: a photo's folder names its person, unless the line does.
    url_prefix: what precedes a photo's path in ``url.original``.
    """

    root: Path
    labels_from_folders: bool = False
    url_prefix: str | None = None

    def photos(self, rows: Iterable[Row | BadRow]) -> Iterator[SentPhoto | IndexedPhoto]:
        """The photo of each line, or the outcome of a line that has none."""
        for row in rows:
            try:
                if isinstance(row, BadRow):
                    raise _Unfit("bad_row", row.problem)
                yield self._photo(row)
            except NotAField as error:
                yield failed(_at(row), "bad_row", str(error))
            except _Unfit as error:
                yield failed(_at(row), error.code, str(error))
            except _Skipped as skipped:
                yield IndexedPhoto(_at(row), Outcome.SKIPPED, notice=str(skipped))

    def _photo(self, row: Row) -> SentPhoto:
        values = dict(row.values)
        key = _id(values.pop("id", None))
        path, image = values.pop("path", None), values.pop("image", None)
        if (path is None) == (image is None):
            raise _Unfit("bad_row", "it needs either [path] or [image]")
        if path is not None:
            return self._in_file(row.line, path, key, own_fields(values, in_file=True))
        fields = own_fields(values, in_file=False)
        if isinstance(stands := fields.get("file.path"), str):
            fields["file.path"] = nfc(stands)
            fields.setdefault("file.name", PurePosixPath(stands).name)
        label, fields = _label(fields)
        name = str(fields.get("file.path", f"line {row.line}"))
        return SentPhoto(Path(), name, label, fields, key, row.line, _decoded(image))

    def _in_file(self, line: int, path: object, key: str | None, fields: dict[str, Any]) -> SentPhoto:
        relative = self._below_root(path)
        label, fields = _label(fields)
        folder = relative.parent.name
        if label is None and self.labels_from_folders and folder:
            label = readable(Path(folder.replace("_", " "))).strip() or None
        if self.url_prefix:
            fields = {"url.original": link_to(self.url_prefix, relative)} | fields
        return SentPhoto(self.root / relative, readable(relative), label, fields, key, line)

    def _below_root(self, path: object) -> Path:
        """A photo's path, relative to the root."""
        if not isinstance(path, str) or not path.strip() or "\0" in path:
            raise _Unfit("bad_row", "[path] is no path of a file")
        if "\n" in path:
            raise _Unfit("bad_row", "[path] has several lines: a quotation mark seems to be missing")
        wanted = Path(os.path.normpath(self.root.absolute() / path))
        real_root = self.root.resolve()
        root = next((root for root in (self.root.absolute(), real_root) if wanted.is_relative_to(root)), None)
        if root is None:
            raise _Unfit("outside_root", f"[{path}] isn't below {self.root}")
        try:
            real = wanted.resolve(strict=True)
            if not real.is_relative_to(real_root):
                raise _Unfit("outside_root", f"[{path}] leads to a file that isn't below {self.root}")
            if not real.is_file():
                raise _Unfit("unreadable_file", f"[{path}] is no regular file")
            if reason := skipped_as(wanted):
                raise _Skipped(reason)
        except FileNotFoundError:
            raise _Unfit("missing_file", f"there is no file [{path}] below {self.root}") from None
        except (OSError, RuntimeError) as error:
            why = getattr(error, "strerror", None) or "its links lead to each other"
            raise _Unfit("unreadable_file", f"[{path}] can't be read: {why}") from None
        return wanted.relative_to(root)


class _Skipped(Exception):
    """A file that is no photo, and what it is."""


def _at(row: Row | BadRow) -> SentPhoto:
    """A line without a photo."""
    path = row.values.get("path") if isinstance(row, Row) else None
    return SentPhoto(Path(), path if isinstance(path, str) else f"line {row.line}", line=row.line)


def _id(value: object) -> str | None:
    if value in (None, ""):
        return None
    key = str(value) if isinstance(value, str | int) else ""
    if not 0 < len(key.encode("utf-8", "replace")) <= LONGEST_ID:
        raise _Unfit("bad_row", f"[id] is no id of a document: a text of at most {LONGEST_ID} bytes")
    return key


def _label(fields: dict[str, Any]) -> tuple[str | None, dict[str, Any]]:
    """The one name of ``person.name``, and the other fields. Several names are left where they are."""
    name = fields.get("person.name")
    (name,) = name if isinstance(name, list) and len(name) == 1 else (name,)
    if name is None or isinstance(name, list):
        return None, fields
    label = nfc(str(name)).strip()
    return label or None, {field: value for field, value in fields.items() if field != "person.name"}


def _decoded(image: object) -> bytes:
    if not isinstance(image, str):
        raise _Unfit("not_base64", "[image] isn't text in base64")
    start = DATA_URI.match(image)
    text = "".join(image[start.end() if start else 0 :].split())
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise _Unfit("not_base64", "[image] isn't base64") from None
