"""The scene: documents of the sample faces, with something to show in every panel of every board.

Five people, four cameras, three weeks. There are group photos whose faces were named after the ingest, photos
without a face, copies, poor pictures, and one of each failure except ``internal``, which only a bug of the
service causes; a gallery with a watch list; and probes of enrolled and unenrolled people, some with
similarities near the thresholds. Ids and dates are fixed, so loading the scene again changes nothing.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from PIL import Image

from board_preview.scene_photos import encoded_as, group, jpeg, landscape, poor

PEOPLE = {
    "ben_afflek": "Ben Affleck",
    "elton_john": "Elton John",
    "jerry_seinfeld": "Jerry Seinfeld",
    "madonna": "Madonna",
    "mindy_kaling": "Mindy Kaling",
}
"""Folder of the sample -> the person's name."""

UNENROLLED = "mindy_kaling"
"""The person who is not in the gallery."""

TAGS = {"madonna": ["watch"], "jerry_seinfeld": ["staff"]}
"""Of portraits in the gallery."""

OBSERVERS = ("Main gate", "Lobby", "Main gate", "Car park", "Canteen", "Main gate", "Lobby")
"""Cameras; busier ones are listed more often."""

FIRST_DAY = datetime(2026, 3, 2, tzinfo=timezone.utc)
DAYS = 21

GROUPS = (4, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2)
"""The number of people on each group photo."""

IN_GALLERY, IN_ARCHIVE = 2, 11
"""Of each person's training photos, the first two are in the gallery, and the next 11 in the archive. The
others are on group photos."""

DOUBTFUL = (
    ("ben_afflek", 0, 140, 1.6),
    ("elton_john", 0, 140, 2.0),
    ("jerry_seinfeld", 3, 140, 1.2),
    ("madonna", 2, 140, 1.2),
)
"""Probes near the thresholds: (person, index of the photo, height in pixels to shrink it to, blur's radius).
Measured similarity with the best portrait: 0.53 to 0.58."""

PROBED_GROUPS = (
    ("madonna", "mindy_kaling"),
    ("elton_john", "ben_afflek", "jerry_seinfeld"),
    ("mindy_kaling", "elton_john", "madonna"),
)

AWAY = "scene-unavailable"
"""Name of a pipeline and an endpoint whose service is missing."""


@dataclass(frozen=True)
class SceneDocument:
    """A document for an alias. ``people``: those to name on a group photo, (name, left edge, right edge)."""

    index: str
    key: str
    body: dict[str, Any]
    pipeline: str | None = None
    people: tuple[tuple[str, int, int], ...] = ()


@dataclass(frozen=True)
class Scene:
    """The gallery's documents, and those of archive and probes, which must be loaded after them."""

    gallery: list[SceneDocument]
    others: list[SceneDocument]


def scene(sample: Path) -> Scene:
    """
    Args:
        sample: the folder of the sample faces (``Cache.sample``).
    """
    photos = {folder: _photos(sample / "train" / folder) for folder in PEOPLE}
    probes = {folder: _photos(sample / "val" / folder) for folder in PEOPLE}
    return Scene(list(_gallery(photos)), [*_archive(photos), *_probes(probes)])


def _gallery(photos: dict[str, list[Path]]) -> Iterator[SceneDocument]:
    for folder, name in PEOPLE.items():
        if folder == UNENROLLED:
            continue
        for number, path in enumerate(photos[folder][:IN_GALLERY], 1):
            body = _body(path.read_bytes(), f"gallery/{folder}-{number}.jpg", number)
            yield _document("face-gallery", f"gallery-{folder}-{number}", body, name, TAGS.get(folder))
    yield _document(
        "face-gallery", "gallery-no-face", _body(jpeg(landscape(280, 280)), "gallery/landscape.jpg", 3)
    )
    both, _ = group([photos["elton_john"][0], photos["ben_afflek"][0]])
    yield _document("face-gallery", "gallery-several-faces", _body(jpeg(both), "gallery/two-people.jpg", 4))


def _archive(photos: dict[str, list[Path]]) -> Iterator[SceneDocument]:
    number = 0
    for place in range(IN_ARCHIVE):
        for folder, name in PEOPLE.items():
            own = photos[folder][IN_GALLERY:]
            number += 1
            named = number % 4 != 0
            body = _body(own[place].read_bytes(), f"photos/{folder}-{place + 1}.jpg", number)
            yield _document("faces", f"portrait-{folder}-{place + 1}", body, name if named else None)
    yield from _groups({folder: own[IN_GALLERY + IN_ARCHIVE :] for folder, own in photos.items()})
    yield from _odd_ones(photos)
    yield from _failures(photos)


def _groups(left_over: dict[str, list[Path]]) -> Iterator[SceneDocument]:
    remaining = {folder: list(own) for folder, own in left_over.items()}
    for number, size in enumerate(GROUPS, 1):
        # The people with the most photos left.
        folders = sorted(remaining, key=lambda folder: -len(remaining[folder]))[:size]
        image, edges = group([remaining[folder].pop() for folder in folders])
        people = [(PEOPLE[folder], *edge) for folder, edge in zip(folders, edges, strict=True)]
        body = _body(jpeg(image), f"groups/{number}.jpg", 3 * number)
        # Every third face stays unnamed, and all faces of the last two photos.
        named = [person for place, person in enumerate(people, number) if place % 3 != 0]
        yield SceneDocument(
            "faces", f"group-{number}", body, people=tuple(named) if number <= len(GROUPS) - 2 else ()
        )


def _odd_ones(photos: dict[str, list[Path]]) -> Iterator[SceneDocument]:
    """Copies, photos without a face, and poor pictures."""
    for number, folder in enumerate(("madonna", "elton_john", "madonna"), 1):
        original = photos[folder][IN_GALLERY]
        body = _body(original.read_bytes(), f"copies/{number}.jpg", 5 * number)
        yield _document("faces", f"copy-{number}", body)
    for number, (width, height) in enumerate(((320, 240), (240, 320), (400, 220), (300, 300)), 1):
        body = _body(jpeg(landscape(width, height)), f"views/{number}.jpg", 4 * number)
        yield _document("faces", f"view-{number}", body)
    for number, folder in enumerate(PEOPLE, 1):
        body = _body(jpeg(poor(photos[folder][IN_GALLERY + 1], 90, 1.2)), f"poor/{number}.jpg", 6 * number)
        yield _document("faces", f"poor-{number}", body)


def _failures(photos: dict[str, list[Path]]) -> Iterator[SceneDocument]:
    portrait = photos["ben_afflek"][3].read_bytes()
    broken = {
        "not-an-image": b"Meeting notes: nobody was on the photo.",
        "unsupported-format": b"%PDF-1.7\n1 0 obj",
        "truncated": portrait[:-3000],
        "damaged": portrait[:100],
        "too-large": b"\xff\xd8\xff" + bytes(15_000_000),
        "too-many-pixels": encoded_as(Image.new("L", (8000, 6500)), "PNG"),
    }
    for number, (key, data) in enumerate(broken.items(), 1):
        yield _document("faces", f"failed-{key}", _body(data, f"failed/{key}", 7 * number))
    text = _body(b"", "failed/not-base64", 50) | {"image": "§ a photo, but not in base64 §"}
    yield _document("faces", "failed-not-base64", text)
    away = _body(portrait, "failed/unavailable.jpg", 51)
    yield SceneDocument("faces", "failed-unavailable", away, pipeline=AWAY)


def _probes(photos: dict[str, list[Path]]) -> Iterator[SceneDocument]:
    """Sorted by date."""
    pictures = [photos[folder][place].read_bytes() for place in (0, 1, 3) for folder in PEOPLE]
    pictures += [jpeg(poor(photos[folder][place], height, blur)) for folder, place, height, blur in DOUBTFUL]
    for folders in PROBED_GROUPS:
        image, _ = group([photos[folder][4] for folder in folders])
        pictures.append(jpeg(image))
    pictures += [jpeg(landscape(360, 240)), photos[UNENROLLED][2].read_bytes()[:-3000]]
    for number in range(len(pictures)):
        # Shuffled: 7 and the number of pictures have no common divisor.
        data = pictures[(number + 1) * 7 % len(pictures)]
        time = FIRST_DAY + timedelta(days=DAYS - 10, hours=7 + 9 * number, minutes=23 * number % 60)
        body = _body(data, f"probes/{number + 1}.jpg", number) | {"@timestamp": time.isoformat()}
        yield _document("face-probes", f"probe-{number + 1}", body)


def _body(data: bytes, path: str, number: int) -> dict[str, Any]:
    """What a camera sends. ``number`` determines time and camera; the first week is the busiest."""
    time = FIRST_DAY + timedelta(
        days=number * 8 % 27 % DAYS, hours=7 + number * 5 % 12, minutes=number * 17 % 60
    )
    return {
        "image": base64.b64encode(data).decode("ascii"),
        "@timestamp": time.isoformat(),
        "file": {"path": path, "name": path.rpartition("/")[2]},
        "url": {"original": f"https://example.org/{path}"},
        "observer": {"name": OBSERVERS[number % len(OBSERVERS)]},
    }


def _document(
    index: str, key: str, body: dict[str, Any], name: str | None = None, tags: list[str] | None = None
) -> SceneDocument:
    more: dict[str, Any] = {"person": {"name": name}} if name else {}
    return SceneDocument(index, key, body | more | ({"tags": tags} if tags else {}))


def _photos(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jpg"))
