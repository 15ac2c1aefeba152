"""What the desk's scenes find in the archive, the gallery and the probes, and how it comes back."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from copy_fixtures import resized
from elasticsearch import Elasticsearch
from tools import CALIBRATION, empty, encoded, picture, processed, side_by_side

ANN, BEN, CARA, JERRY = "mindy_kaling", "ben_afflek", "madonna", "jerry_seinfeld"
ALIASES = ("faces", "face-gallery", "face-probes", "face-decisions", "face-forgotten")


@dataclass(frozen=True)
class Stock:
    """
    documents: alias -> id -> document, as it is stored: portraits of Ann and Ben, named and unnamed photos,
        and four probes of Ann that nobody has decided about.
    team: the photo of Ann, Ben and Cara side by side.
    """

    documents: dict[str, dict[str, dict]]
    team: bytes

    def put(self, es: Elasticsearch) -> None:
        """In place of whatever is there."""
        for alias in ALIASES:
            empty(es, alias)
        for alias, documents in self.documents.items():
            _store(es, alias, documents)


def stocked(es: Elasticsearch, people: dict[str, list[Path]]) -> Stock:
    """Embeds the photos once, and stores them."""
    team = picture(side_by_side([people[name][6] for name in (ANN, BEN, CARA)]), quality=92)
    gallery = {
        "ann": _sent(people[ANN][3], "portraits/ann.jpg", person={"name": "Ann"}, tags=["watch"]),
        "ann-too": _sent(people[ANN][4], "portraits/ann-too.jpg", person={"name": "Ann"}),
        "ben": _sent(people[BEN][3], "portraits/ben.jpg", person={"name": "Ben"}),
    }
    archive = {
        f"{name.lower()}-{number}": _sent(
            people[own][number],
            f"2026/{name.lower()}-{number}.jpg",
            person={"name": name},
            observer={"name": f"gate {number + 1}"},
            **{"@timestamp": f"2026-0{number + 3}-15T12:00:00Z"},
        )
        for name, own in (("Ann", ANN), ("Ben", BEN))
        for number in range(3)
    }
    archive |= {f"jerry-{number}": _sent(people[JERRY][number], f"jerry-{number}.jpg") for number in range(3)}
    archive["ann-0"]["url"] = {"original": "https://photos.example/ann-0.jpg"}
    archive["team"] = _sent(team, "parties/team.jpg", observer={"name": "gate 9"})
    archive["team"]["@timestamp"] = "2026-05-20T12:00:00Z"
    archive["copy"] = _sent(resized(people[ANN][0], 0.7), "copies/ann.jpg")
    probes = {f"probe-{number}": _sent(people[ANN][number + 8], f"door/{number}.jpg") for number in range(4)}
    documents = {"face-gallery": processed(es, gallery, "face-gallery-stock")}
    _store(es, "face-gallery", documents["face-gallery"])
    documents["faces"] = processed(es, archive, "faces-stock")
    with _strict(es):
        documents["face-probes"] = processed(es, probes, "face-probes-stock")
    stock = Stock(documents, team)
    stock.put(es)
    return stock


def _sent(photo: bytes | Path, path: str, **more: object) -> dict:
    return {"image": encoded(photo), "file": {"path": path, "name": Path(path).name}, **more}


def _store(es: Elasticsearch, alias: str, documents: dict[str, dict]) -> None:
    operations: list[dict] = []
    for key, document in documents.items():
        operations += [{"index": {"_index": alias, "_id": key}}, document]
    answer = es.bulk(operations=operations, refresh=True)
    assert not answer["errors"], answer


@contextmanager
def _strict(es: Elasticsearch) -> Iterator[None]:
    """Within it no similarity is enough for a match, so that faces have candidates, and wait for a person."""
    (index,) = es.indices.get_alias(name="face-gallery")
    meta = es.indices.get_mapping(index=index)[index]["mappings"]["_meta"]
    ours = meta["ingest_face"]
    calibration = CALIBRATION | {"model": ours["model"], "similarity": 0.97}
    es.indices.put_mapping(index=index, meta=meta | {"ingest_face": ours | {"calibration": calibration}})
    yield
    es.indices.put_mapping(index=index, meta=meta)


def fingerprint(es: Elasticsearch) -> dict[str, list[int]]:
    """Changes with every write."""
    found = es.indices.stats(index=",".join(ALIASES), level="shards", metric="docs")["indices"]
    return {
        name: [shard["seq_no"]["max_seq_no"] for shards in one["shards"].values() for shard in shards]
        for name, one in found.items()
    }
