"""The scene: documents of the sample faces in which every panel of every board has something to show.

Five people, four cameras, three weeks. Group photos whose faces somebody named after the ingest, photos
without a face, copies, poor pictures, and one of each failure but ``internal``, a bug of the service, which
can't be had. A gallery with a watch list. Probes of people who are in it, of one who isn't, and of faces
near the threshold. Loading it twice changes nothing: its documents have ids of their own, and its dates are
fixed. It goes to no documents of others: who tries the boards on real photos doesn't want strangers among
them.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk
from PIL import Image, ImageFilter

from es_setup import models
from es_setup.shipped_files import ALIASES
from faces.calibration.record import Calibration
from faces.error_rates.logistic import Logistic
from faces.indexing import RETRIES, require_pipeline

PEOPLE = {
    "ben_afflek": "Ben Affleck",
    "elton_john": "Elton John",
    "jerry_seinfeld": "Jerry Seinfeld",
    "madonna": "Madonna",
    "mindy_kaling": "Mindy Kaling",
}
"""The folders of the sample, and who it is."""

STRANGER = "mindy_kaling"
"""Not in the gallery."""

TAGS = {"madonna": ["watch"], "jerry_seinfeld": ["staff"]}
"""Of their portraits in the gallery."""

OBSERVERS = ("Main gate", "Lobby", "Main gate", "Car park", "Canteen", "Main gate", "Lobby")
"""Cameras, the busier ones more often."""

FIRST_DAY = datetime(2026, 3, 2, tzinfo=timezone.utc)
DAYS = 21

GROUPS = (4, 3, 3, 2, 2, 2, 2, 2, 2, 2, 2, 2)
"""How many people are on each group photo."""

IN_GALLERY, IN_ARCHIVE = 2, 11
"""Of each person's training photos: so many portraits in the gallery, then so many in the archive; the others
are in group photos."""

DOUBTFUL = (
    ("ben_afflek", 0, 140, 1.6),
    ("elton_john", 0, 140, 2.0),
    ("jerry_seinfeld", 3, 140, 1.2),
    ("madonna", 2, 140, 1.2),
)
"""Probes near the threshold: whose, the place of the photo, the height in pixels that it is shrunk to, and
the blur's radius. Measured: similarities of 0.53 to 0.58 with the best portrait."""

PROBED_GROUPS = (
    ("madonna", "mindy_kaling"),
    ("elton_john", "ben_afflek", "jerry_seinfeld"),
    ("mindy_kaling", "elton_john", "madonna"),
)

AWAY = "scene-unavailable"
"""A pipeline and an endpoint whose service isn't there."""

NOBODY = "http://127.0.0.1:9"
"""Where no service listens: the port of the protocol `discard`, a fixed one, as it gets into a message."""

CALIBRATION = Calibration(
    model="",
    similarity=0.5612,
    fpir=0.01,
    gallery_size=746,
    fnir=0.187,
    logistic=Logistic(slope=25.0, offset=-12.5),
    people=2086,
    photos=3811,
    made=date(2026, 11, 25),
)
"""Made up, with lines that doubtful probes lie on both sides of."""

BULK_PHOTOS = 16


class SceneError(Exception):
    """The scene can't be loaded: a document wasn't stored, or others are there; the message names them."""


@dataclass(frozen=True)
class SceneReport:
    """How many documents each alias has of the scene."""

    documents: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Drop:
    """A document to drop into an alias. ``people``: who is named on a group photo, as (name, left, right)."""

    index: str
    key: str
    body: dict[str, Any]
    pipeline: str | None = None
    people: tuple[tuple[str, int, int], ...] = ()


Track = Callable[[Iterable[Any], int, str], Iterable[Any]]


def load(es: Elasticsearch, sample: Path, track: Track = lambda items, total, what: items) -> SceneReport:
    """Drops the scene into ``faces``, ``face-gallery`` and ``face-probes``.

    Args:
        sample: the folder of the sample faces (``Cache.sample``).
        track: passes the documents on as they are stored, for a progress bar.

    Raises:
        NoPipeline: there are no pipelines (``faces install``).
        SceneError: an alias holds other documents, and nothing was written; or something wasn't stored.
    """
    for alias in ALIASES:
        require_pipeline(es, alias)
    photos = {folder: _photos(sample / "train" / folder) for folder in PEOPLE}
    probes = {folder: _photos(sample / "val" / folder) for folder in PEOPLE}
    # The gallery first: probes look into it.
    gallery = list(_gallery(photos))
    others = [*_archive(photos), *_probes(probes)]
    _require_no_others(es, [*gallery, *others])
    count = dict.fromkeys(ALIASES, 0)
    with _unavailable_pipeline(es):
        drops = _dropped(es, [gallery, others])
        for drop in track(drops, len(gallery) + len(others), "loading the scene"):
            count[drop.index] += 1
    _name_faces(es, [drop for drop in others if drop.people])
    es.indices.refresh(index=",".join(ALIASES))
    return SceneReport(count)


def calibrate(es: Elasticsearch) -> None:
    """Records ``CALIBRATION`` in every index of the three aliases, as `faces calibrate` does."""
    for index, model in models.declared(es, ",".join(ALIASES)).items():
        models.record(es, index, calibration=replace(CALIBRATION, model=str(model)).as_meta())


def _require_no_others(es: Elasticsearch, scene: list[Drop]) -> None:
    """
    Raises:
        SceneError: there are documents that the scene doesn't have.
    """
    es.indices.refresh(index=",".join(ALIASES))
    found = []
    for alias in ALIASES:
        own = {"ids": {"values": [drop.key for drop in scene if drop.index == alias]}}
        if others := es.count(index=alias, query={"bool": {"must_not": own}})["count"]:
            found.append(f"{others} in [{alias}]")
    if found:
        raise SceneError(
            f"there are documents that aren't the scene's: {', '.join(found)}. The scene is for an empty "
            "stack, as `./run up` or docker compose starts one; nothing was changed"
        )


def _dropped(es: Elasticsearch, batches: list[list[Drop]]) -> Iterator[Drop]:
    for batch in batches:
        by_id = {drop.key: drop for drop in batch}
        answers = streaming_bulk(
            es,
            map(_action, batch),
            chunk_size=BULK_PHOTOS,
            raise_on_error=False,
            **RETRIES,
        )
        for ok, answer in answers:
            item = next(iter(answer.values()))
            if not ok:
                raise SceneError(f"[{item['_id']}] wasn't stored in [{item['_index']}]: {item['error']}")
            yield by_id[item["_id"]]
        es.indices.refresh(index=",".join(ALIASES))


def _action(drop: Drop) -> dict[str, Any]:
    action: dict[str, Any] = {"_index": drop.index, "_id": drop.key, "_source": drop.body}
    return action | ({"pipeline": drop.pipeline} if drop.pipeline else {})


@contextmanager
def _unavailable_pipeline(es: Elasticsearch) -> Iterator[None]:
    setting = f"face.endpoint.{AWAY}.urls"
    with ExitStack() as taken_back:
        # Before they are made, and each even if another fails. Transient: should that fail, too, or this
        # process be killed, then a restart takes it back.
        taken_back.callback(es.cluster.put_settings, transient={setting: None})
        taken_back.callback(es.options(ignore_status=404).ingest.delete_pipeline, id=AWAY)
        es.cluster.put_settings(transient={setting: NOBODY})
        options = {"endpoint": AWAY, "on_unavailable": "keep"}
        es.ingest.put_pipeline(id=AWAY, processors=[{"face": options}])
        yield


def _gallery(photos: dict[str, list[Path]]) -> Iterator[Drop]:
    for folder, name in PEOPLE.items():
        if folder == STRANGER:
            continue
        for number, path in enumerate(photos[folder][:IN_GALLERY], 1):
            body = _body(path.read_bytes(), f"gallery/{folder}-{number}.jpg", number)
            yield _drop("face-gallery", f"gallery-{folder}-{number}", body, name, TAGS.get(folder))
    yield _drop(
        "face-gallery", "gallery-no-face", _body(_jpeg(_landscape(280, 280)), "gallery/landscape.jpg", 3)
    )
    both, _ = _group([photos["elton_john"][0], photos["ben_afflek"][0]])
    yield _drop("face-gallery", "gallery-several-faces", _body(_jpeg(both), "gallery/two-people.jpg", 4))


def _archive(photos: dict[str, list[Path]]) -> Iterator[Drop]:
    number = 0
    for place in range(IN_ARCHIVE):
        for folder, name in PEOPLE.items():
            own = photos[folder][IN_GALLERY:]
            number += 1
            named = number % 4 != 0
            body = _body(own[place].read_bytes(), f"photos/{folder}-{place + 1}.jpg", number)
            yield _drop("faces", f"portrait-{folder}-{place + 1}", body, name if named else None)
    yield from _groups({folder: own[IN_GALLERY + IN_ARCHIVE :] for folder, own in photos.items()})
    yield from _odd_ones(photos)
    yield from _failures(photos)


def _groups(left_over: dict[str, list[Path]]) -> Iterator[Drop]:
    remaining = {folder: list(own) for folder, own in left_over.items()}
    for number, size in enumerate(GROUPS, 1):
        # Those with most photos left; of several the first.
        folders = sorted(remaining, key=lambda folder: -len(remaining[folder]))[:size]
        image, edges = _group([remaining[folder].pop() for folder in folders])
        people = [(PEOPLE[folder], *edge) for folder, edge in zip(folders, edges, strict=True)]
        body = _body(_jpeg(image), f"groups/{number}.jpg", 3 * number)
        # Every third face stays without a name, and the last two photos altogether.
        named = [person for place, person in enumerate(people, number) if place % 3 != 0]
        yield Drop("faces", f"group-{number}", body, people=tuple(named) if number <= len(GROUPS) - 2 else ())


def _odd_ones(photos: dict[str, list[Path]]) -> Iterator[Drop]:
    """Copies, photos without a face, and poor pictures."""
    for number, folder in enumerate(("madonna", "elton_john", "madonna"), 1):
        original = photos[folder][IN_GALLERY]
        body = _body(original.read_bytes(), f"copies/{number}.jpg", 5 * number)
        yield _drop("faces", f"copy-{number}", body)
    for number, (width, height) in enumerate(((320, 240), (240, 320), (400, 220), (300, 300)), 1):
        body = _body(_jpeg(_landscape(width, height)), f"views/{number}.jpg", 4 * number)
        yield _drop("faces", f"view-{number}", body)
    for number, folder in enumerate(PEOPLE, 1):
        body = _body(_jpeg(_poor(photos[folder][IN_GALLERY + 1], 90, 1.2)), f"poor/{number}.jpg", 6 * number)
        yield _drop("faces", f"poor-{number}", body)


def _failures(photos: dict[str, list[Path]]) -> Iterator[Drop]:
    portrait = photos["ben_afflek"][3].read_bytes()
    broken = {
        "not-an-image": b"Meeting notes: nobody was on the photo.",
        "unsupported-format": b"%PDF-1.7\n1 0 obj",
        "truncated": portrait[:-3000],
        "damaged": portrait[:100],
        "too-large": b"\xff\xd8\xff" + bytes(15_000_000),
        "too-many-pixels": _encoded_as(Image.new("L", (8000, 6500)), "PNG"),
    }
    for number, (key, data) in enumerate(broken.items(), 1):
        yield _drop("faces", f"failed-{key}", _body(data, f"failed/{key}", 7 * number))
    text = _body(b"", "failed/not-base64", 50) | {"image": "§ a photo, but not in base64 §"}
    yield _drop("faces", "failed-not-base64", text)
    away = _body(portrait, "failed/unavailable.jpg", 51)
    yield Drop("faces", "failed-unavailable", away, pipeline=AWAY)


def _probes(photos: dict[str, list[Path]]) -> Iterator[Drop]:
    """In the order of their dates."""
    pictures = [photos[folder][place].read_bytes() for place in (0, 1, 3) for folder in PEOPLE]
    pictures += [
        _jpeg(_poor(photos[folder][place], height, blur)) for folder, place, height, blur in DOUBTFUL
    ]
    for folders in PROBED_GROUPS:
        image, _ = _group([photos[folder][4] for folder in folders])
        pictures.append(_jpeg(image))
    pictures += [_jpeg(_landscape(360, 240)), photos[STRANGER][2].read_bytes()[:-3000]]
    for number in range(len(pictures)):
        # Mixed, by a step that has no divisor in common with their number.
        data = pictures[(number + 1) * 7 % len(pictures)]
        time = FIRST_DAY + timedelta(days=DAYS - 10, hours=7 + 9 * number, minutes=23 * number % 60)
        body = _body(data, f"probes/{number + 1}.jpg", number) | {"@timestamp": time.isoformat()}
        yield _drop("face-probes", f"probe-{number + 1}", body)


def _body(data: bytes, path: str, number: int) -> dict[str, Any]:
    """What a camera sends: ``number`` decides when and where. The first week is the busiest."""
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


def _drop(
    index: str, key: str, body: dict[str, Any], name: str | None = None, tags: list[str] | None = None
) -> Drop:
    more: dict[str, Any] = {"person": {"name": name}} if name else {}
    return Drop(index, key, body | more | ({"tags": tags} if tags else {}))


def _name_faces(es: Elasticsearch, groups: list[Drop]) -> None:
    """Says who is who on the group photos, as a person would: by partial updates after the ingest."""
    for drop in groups:
        source = es.get(index=drop.index, id=drop.key, source_includes=["faces"])["_source"]
        faces = source["faces"]
        for name, left, right in drop.people:
            own = [face for face in faces if left <= face["box"]["x"] + face["box"]["width"] / 2 < right]
            # Largest first: behind somebody there may be another.
            for face in own[:1]:
                face["label"] = {"name": name}
        es.update(index=drop.index, id=drop.key, doc={"faces": faces})


def _photos(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jpg"))


def _group(paths: list[Path], height: int = 300) -> tuple[Image.Image, list[tuple[int, int]]]:
    """Portraits beside each other, and the left and right edge of each."""
    portraits = [Image.open(path).convert("RGB") for path in paths]
    scaled = [image.resize((round(image.width * height / image.height), height)) for image in portraits]
    group = Image.new("RGB", (sum(image.width for image in scaled), height))
    edges, left = [], 0
    for image in scaled:
        group.paste(image, (left, 0))
        edges.append((left, left + image.width))
        left += image.width
    return group, edges


def _landscape(width: int, height: int) -> Image.Image:
    """A sky above a meadow."""
    shades = Image.linear_gradient("L").resize((width, height))
    sky = Image.new("RGB", (width, height), (90, 150, 230))
    return Image.composite(Image.new("RGB", (width, height), (60, 140, 40)), sky, shades)


def _poor(path: Path, height: int, blur: float) -> Image.Image:
    """As a bad camera sees a portrait: ``height`` and the blur's radius in pixels."""
    image = Image.open(path).convert("RGB")
    small = image.resize((round(image.width * height / image.height), height))
    return small.filter(ImageFilter.GaussianBlur(blur))


def _jpeg(image: Image.Image) -> bytes:
    return _encoded_as(image, "JPEG", quality=92)


def _encoded_as(image: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()
