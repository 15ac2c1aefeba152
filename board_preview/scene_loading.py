"""Loads the scene into Elasticsearch, and records a calibration for it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch
from elasticsearch.helpers import streaming_bulk

from board_preview.errors import SceneError
from board_preview.scene_documents import AWAY, SceneDocument, scene
from es_setup import models
from es_setup.shipped_files import ALIASES
from faces.calibration.record import Calibration
from faces.error_rates.logistic import Logistic
from faces.indexing.pipelines import require_pipeline
from faces.indexing.sending import RETRIES

NO_SERVICE = "http://127.0.0.1:9"
"""An address without a service. The port (that of the protocol `discard`) is fixed: messages contain it."""

CALIBRATION = Calibration(
    model="",
    similarity=0.5512,
    fpir=0.01,
    gallery_size=746,
    fnir=0.187,
    logistic=Logistic(slope=25.0, offset=-12.5),
    people=2086,
    photos=3811,
    made=date(2026, 11, 25),
)
"""Made up. The doubtful probes are on both sides of its thresholds."""

BULK_PHOTOS = 16

Track = Callable[[Iterable[Any], int, str], Iterable[Any]]


@dataclass(frozen=True)
class SceneReport:
    """``documents``: alias -> the number of the scene's documents in it."""

    documents: dict[str, int] = field(default_factory=dict)


def load(es: Elasticsearch, sample: Path, track: Track = lambda items, total, what: items) -> SceneReport:
    """Indexes the scene into ``faces``, ``face-gallery`` and ``face-probes``.

    Args:
        sample: the folder of the sample faces (``Cache.sample``).
        track: called with (the stored documents, their number, a title), for a progress bar.

    Raises:
        NoPipeline: the pipelines are missing (``faces install``).
        SceneError: an alias has other documents, and nothing was changed; or a document wasn't stored.
    """
    for alias in ALIASES:
        require_pipeline(es, alias)
    wanted = scene(sample)
    every = [*wanted.gallery, *wanted.others]
    _require_empty(es, every)
    count = dict.fromkeys(ALIASES, 0)
    with _unavailable_pipeline(es):
        stored = _stored(es, [wanted.gallery, wanted.others])
        for document in track(stored, len(every), "loading the scene"):
            count[document.index] += 1
    _name_faces(es, [document for document in wanted.others if document.people])
    es.indices.refresh(index=",".join(ALIASES))
    return SceneReport(count)


def calibrate(es: Elasticsearch) -> None:
    """Records ``CALIBRATION`` in every index of the three aliases, as `faces calibrate` does."""
    for index, model in models.declared(es, ",".join(ALIASES)).items():
        models.record(es, index, calibration=replace(CALIBRATION, model=str(model)).as_meta())


def _require_empty(es: Elasticsearch, own: list[SceneDocument]) -> None:
    """
    Raises:
        SceneError: there are documents other than ``own``.
    """
    es.indices.refresh(index=",".join(ALIASES))
    found = []
    for alias in ALIASES:
        ids = {"ids": {"values": [document.key for document in own if document.index == alias]}}
        if others := es.count(index=alias, query={"bool": {"must_not": ids}})["count"]:
            found.append(f"{others} in [{alias}]")
    if found:
        raise SceneError(
            f"there are documents that aren't the scene's: {', '.join(found)}. Use an empty stack, as "
            "`./run up` or docker compose starts one; nothing was changed"
        )


def _stored(es: Elasticsearch, batches: list[list[SceneDocument]]) -> Iterator[SceneDocument]:
    for batch in batches:
        by_id = {document.key: document for document in batch}
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
                raise SceneError(
                    f"document [{item['_id']}] wasn't stored in [{item['_index']}]: {item['error']}"
                )
            yield by_id[item["_id"]]
        es.indices.refresh(index=",".join(ALIASES))


def _action(document: SceneDocument) -> dict[str, Any]:
    action: dict[str, Any] = {"_index": document.index, "_id": document.key, "_source": document.body}
    return action | ({"pipeline": document.pipeline} if document.pipeline else {})


@contextmanager
def _unavailable_pipeline(es: Elasticsearch) -> Iterator[None]:
    setting = f"face.endpoint.{AWAY}.urls"
    with ExitStack() as clean_up:
        # Registered before the changes, so that each is undone even if another fails. The setting is
        # transient: if this process is killed, a restart of Elasticsearch removes it.
        clean_up.callback(es.cluster.put_settings, transient={setting: None})
        clean_up.callback(es.options(ignore_status=404).ingest.delete_pipeline, id=AWAY)
        es.cluster.put_settings(transient={setting: NO_SERVICE})
        options = {"endpoint": AWAY, "on_unavailable": "keep"}
        es.ingest.put_pipeline(id=AWAY, processors=[{"face": options}])
        yield


def _name_faces(es: Elasticsearch, groups: list[SceneDocument]) -> None:
    """Names the people on group photos, as a person would: by partial updates after the ingest."""
    for group in groups:
        source = es.get(index=group.index, id=group.key, source_includes=["faces"])["_source"]
        faces = source["faces"]
        for name, left, right in group.people:
            own = [face for face in faces if left <= face["box"]["x"] + face["box"]["width"] / 2 < right]
            # Faces are sorted by size: smaller ones are in the background.
            for face in own[:1]:
                face["label"] = {"name": name}
        es.update(index=group.index, id=group.key, doc={"faces": faces})
