"""``./run bench copies [FOLDER]``: which copies of a photo `faces versions` finds, and what it takes for one.

Every sample photo is indexed. Then copies of each are made (resized, compressed, in grey, cropped) and asked
about, as files that the index lacks: the photo must be found, and no other. First the photos are asked about
as they are, with those of FOLDER, such as LFW's: a pair that is found is listed, for a person to judge.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch
from PIL import Image, ImageOps
from rich.progress import track
from rich.table import Table

from es_setup.connection import Service
from evaluation.bench.bars import Bar, judged
from faces import local_stack
from faces.cli.output import say
from faces.copies.asked import Asked, asked
from faces.copies.pictures import Picture
from faces.copies.versions import versions
from faces.photo_faces import PhotoFaces, PhotoRefused
from faces.photo_folders.reading import read_folder
from faces.searchable import Searchable, searchable
from faces.shown.terminal import PlainConsole

INDEX = "faces-copies"
AT_ONCE = 4
"""Photos that the service has at a time."""
DOCUMENTS_AT_ONCE = 50
SIDES = ("left", "top", "right", "bottom")
SAVED, CUT_LITTLE, CUT = "saved again", "cut by 5 or 10 %", "cut by 20 %"
LEAST = {SAVED: 0.99, CUT_LITTLE: 0.95, CUT: 0.9}
"""Of the copies of these kinds, the share that must be found."""

Change = Callable[[Image.Image], Image.Image]


@dataclass(frozen=True)
class Copy:
    """A way to make a copy. group: of ``LEAST``, if it counts there; quality: JPEG's."""

    name: str
    group: str | None
    change: Change
    quality: int = 90

    def of(self, photo: Image.Image) -> bytes:
        buffer = io.BytesIO()
        self.change(photo).save(buffer, "JPEG", quality=self.quality)
        return buffer.getvalue()


@dataclass
class Row:
    """What became of the copies of one kind.

    known: how the photo was known, by the kind of evidence.
    wrong: other photos that were taken for it.
    """

    copies: int = 0
    refused: int = 0
    known: Counter[str] = field(default_factory=Counter)
    wrong: int = 0

    @property
    def found(self) -> int:
        return sum(self.known.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "copies": self.copies,
            "refused": self.refused,
            "known": dict(self.known),
            "wrong": self.wrong,
        }


def resized(share: float, photo: Image.Image) -> Image.Image:
    size = (max(1, round(photo.width * share)), max(1, round(photo.height * share)))
    return photo.resize(size, Image.Resampling.LANCZOS)


def cut(share: float, sides: tuple[str, ...], photo: Image.Image) -> Image.Image:
    """Without ``share`` of its width or height at each of ``sides``."""
    across, down = round(photo.width * share), round(photo.height * share)
    return photo.crop(
        (
            across if "left" in sides else 0,
            down if "top" in sides else 0,
            photo.width - (across if "right" in sides else 0),
            photo.height - (down if "bottom" in sides else 0),
        )
    )


def unchanged(photo: Image.Image) -> Image.Image:
    return photo


def cut_and_shrunk(photo: Image.Image) -> Image.Image:
    return resized(0.5, cut(0.1, ("left", "top"), photo))


def copies() -> list[Copy]:
    cuts = [(share, side) for share in (0.05, 0.1, 0.2) for side in SIDES]
    return [
        *(Copy(f"{share:.0%} of its size", SAVED, partial(resized, share)) for share in (0.25, 0.5, 2)),
        *(Copy(f"JPEG quality {quality}", SAVED, unchanged, quality) for quality in (30, 60, 95)),
        Copy("grey", SAVED, ImageOps.grayscale),
        *(
            Copy(
                f"cut by {share:.0%}, {side}",
                CUT if share == 0.2 else CUT_LITTLE,
                partial(cut, share, (side,)),
            )
            for share, side in cuts
        ),
        Copy("cut by 10% on all sides", None, partial(cut, 0.1, SIDES)),
        Copy("cut by 10% at two sides, half its size, quality 60", None, cut_and_shrunk, 60),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="./run bench copies", description=__doc__)
    parser.add_argument("folder", type=Path, nargs="?", metavar="FOLDER", help="other photos")
    parser.add_argument("--photos", type=int, metavar="N", help="the first N of the sample [all]")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures")
    arguments = parser.parse_args()
    found = measure(arguments.photos, arguments.folder)
    report(found)
    if arguments.json:
        arguments.json.write_text(json.dumps(found, indent=2) + "\n")
    sys.exit(0 if found["passed"] else 1)


def measure(number: int | None = None, folder: Path | None = None) -> dict[str, Any]:
    """Of each kind of copy how many were found and how, what was found wrongly, and which bars are met."""
    cache, home = local_stack.prepare_all(say)
    photos = {photo.name: photo.path for photo in read_folder(cache.sample).photos[:number]}
    others = {photo.name: photo.path for photo in read_folder(folder).photos} if folder else {}
    with local_stack.running_stack(cache, home, lambda _: None) as running:
        es = running.connection.elasticsearch()
        es.indices.create(index=INDEX)
        for documents in track(list(_batches({**photos, **others})), "indexing", transient=True):
            _store(es, documents)
        where = searchable(es, INDEX)
        service = running.connection.service()
        twins = [
            twin
            for key in track({**photos, **others}, "asking about the photos", transient=True)
            for twin in _twins(es, where, asked(running.connection, es, where, key))
        ]
        known = {frozenset((twin["photo"], twin["found"])) for twin in twins}
        rows = {
            copy.name: _asked_about(es, where, service, copy, photos, known)
            for copy in track(copies(), "asking about copies", transient=True)
        }
    bars = [
        *(
            Bar.at_least(f"{group}: {least:.0%} found", _share(rows, group), least)
            for group, least in LEAST.items()
        ),
        Bar("no other photo is taken for a copy", not sum(row.wrong for row in rows.values())),
    ]
    figures = {
        "photos": len(photos),
        "copies": {name: row.as_json() for name, row in rows.items()},
        "others": len(others),
        "twins": twins,
    }
    return figures | judged(bars)


def _batches(photos: dict[str, Path]) -> Iterator[dict[str, Path]]:
    keys = list(photos)
    for start in range(0, len(keys), DOCUMENTS_AT_ONCE):
        yield {key: photos[key] for key in keys[start : start + DOCUMENTS_AT_ONCE]}


def _store(es: Elasticsearch, photos: dict[str, Path]) -> None:
    operations: list[dict[str, Any]] = []
    for key, path in photos.items():
        image = base64.b64encode(path.read_bytes()).decode("ascii")
        operations += [{"index": {"_id": key}}, {"image": image, "file": {"path": key}}]
    if es.bulk(index=INDEX, operations=operations, refresh=True)["errors"]:
        raise RuntimeError(f"[{INDEX}] refused a photo")


def _twins(es: Elasticsearch, where: Searchable, photo: Asked) -> list[dict[str, str]]:
    """The versions of a photo as it is, each pair once."""
    return [
        {"photo": photo.given, "found": version.photo.id, "known": version.evidence.words}
        for version in versions(es, where, photo).found
        if photo.given < version.photo.id
    ]


def _asked_about(
    es: Elasticsearch,
    where: Searchable,
    service: Service,
    copy: Copy,
    photos: dict[str, Path],
    twins: set[frozenset[str]],
) -> Row:
    row = Row()

    def picture(path: Path) -> Picture | None:
        with Image.open(path) as opened:
            data = copy.of(ImageOps.exif_transpose(opened).convert("RGB"))
        try:
            return Picture.of_found(PhotoFaces.of(service.everything(data)))
        except PhotoRefused:
            return None

    with ThreadPoolExecutor(AT_ONCE) as threads:
        for key, made in zip(photos, threads.map(picture, photos.values()), strict=True):
            row.copies += 1
            if made is None:
                row.refused += 1
                continue
            for version in versions(es, where, Asked(key, made)).found:
                if version.photo.id == key:
                    row.known[version.evidence.kind] += 1
                elif frozenset((key, version.photo.id)) not in twins:
                    row.wrong += 1
    return row


def _share(rows: dict[str, Row], group: str) -> float:
    own = [rows[copy.name] for copy in copies() if copy.group == group]
    return sum(row.found for row in own) / sum(row.copies for row in own)


def report(found: dict[str, Any]) -> None:
    table = Table("copies", "asked", "found", "by fingerprint", "by faces", "wrong", box=None)
    for name, row in found["copies"].items():
        known = row["known"]
        by = (known.get("near-identical", 0), known.get("cropped", 0))
        counts = (row["copies"], sum(known.values()), *by, row["wrong"])
        table.add_row(name, *(str(count) for count in counts))
    out = PlainConsole(stderr=False, width=140)
    out.print(table)
    for one in found["twins"]:
        out.print(f"{one['photo']}, {one['found']}: {one['known']}")
    out.print(f"{len(found['twins'])} pairs among {found['photos'] + found['others']} photos as they are")
    for name, met in found["bars"].items():
        out.print(Bar(name, met, found["found"][name]).shown())


if __name__ == "__main__":
    main()
