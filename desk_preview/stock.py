"""The boards' scene, and what the desk needs beside it: faces to decide about, groups, photos to ask with."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path

from elasticsearch import Elasticsearch

from board_preview import scene_loading
from board_preview.scene_documents import OBSERVERS, PEOPLE, UNENROLLED
from board_preview.scene_loading import Track
from board_preview.scene_photos import group, jpeg, landscape, poor
from es_setup.shipped_files import ARCHIVE, PROBES
from faces.grouping.run import grouping, write
from faces.searchable import searchable

POOR_PX, POOR_BLUR = 120, 1.6
"""Height and blur of a probe whose face is like somebody of the gallery, and maybe not theirs."""
POOR_PHOTOS = 4
"""Of each person."""
ASKED = 2
"""Which of a person's ``val`` photos nobody has stored."""


@dataclass(frozen=True)
class Stock:
    """Photos that are stored nowhere.

    party: of four people. single: of one who is in the gallery. unknown: of one who isn't. nobody: without a
    face.
    """

    party: bytes
    single: bytes
    unknown: bytes
    nobody: bytes


def fill(es: Elasticsearch, sample: Path, track: Track = lambda items, total, what: items) -> Stock:
    """
    Args:
        sample: the folder of the sample faces (``Cache.sample``).
        track: as `board_preview.scene_loading.load`.

    Raises:
        SceneError: there are other documents, or one wasn't stored.
    """
    scene_loading.calibrate(es)
    scene_loading.load(es, sample, track)
    _probe(es, sample)
    where = searchable(es, f"{ARCHIVE},{PROBES}")
    for _ in write(es, where, grouping(es, where)):
        pass
    es.indices.refresh(index=f"{ARCHIVE},{PROBES}")
    asked = {folder: _photos(sample / "val" / folder)[ASKED] for folder in PEOPLE}
    party, _ = group([asked[name] for name in ("madonna", "ben_afflek", UNENROLLED, "elton_john")])
    return Stock(
        jpeg(party), asked["madonna"].read_bytes(), asked[UNENROLLED].read_bytes(), jpeg(landscape(640, 400))
    )


def _probe(es: Elasticsearch, sample: Path) -> None:
    """Poor photos, as of a door's camera."""
    number = 0
    for folder in PEOPLE:
        for path in _photos(sample / "train" / folder)[-POOR_PHOTOS:]:
            number += 1
            data = jpeg(poor(path, POOR_PX, POOR_BLUR))
            body = {
                "image": base64.b64encode(data).decode("ascii"),
                "@timestamp": f"2026-03-{number:02}T18:00:00Z",
                "file": {"path": f"door/{number}.jpg", "name": f"{number}.jpg"},
                "observer": {"name": OBSERVERS[number % len(OBSERVERS)]},
            }
            es.index(index=PROBES, id=f"door-{number}", document=body)
    es.indices.refresh(index=PROBES)


def _photos(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jpg"))
