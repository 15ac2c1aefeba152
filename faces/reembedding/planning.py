"""Which indices get another model, and what they are called. Changes nothing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch

from es_setup import models
from es_setup.connection import ServedModel
from es_setup.install import has_plugin
from es_setup.shipped_files import ALIASES, no_such_index
from es_setup.thresholds import as_meta
from faces.calibration.indices import faces_in, listed
from faces.pages import count_of
from faces.reembedding import serving
from faces.reembedding.moving import behind
from faces.reembedding.new_indices import DEFAULT_PIPELINE, following
from faces.reembedding.run import Move, Run
from faces.searchable import searchable
from faces.writable import require_writable
from ingest_service.errors import UserError


class NotPlanned(UserError):
    """These indices can't get another model as they are; the message says why, and what to do."""


@dataclass(frozen=True)
class Counted:
    """What an index holds.

    models: its documents' models, with their number.
    """

    index: str
    target: str
    documents: int
    faces: int
    models: dict[str, int]

    def as_json(self) -> dict[str, Any]:
        return {
            "old": self.index,
            "new": self.target,
            "documents": self.documents,
            "faces": self.faces,
            "models": self.models,
        }


def names_of(es: Elasticsearch, index: str | None) -> str:
    """The indices or aliases that were named; by default ours, which belong together: what is searched in the
    gallery must be of the model of its faces.

    Raises:
        NotPlanned: there are none.
    """
    if index is not None:
        return ",".join(sorted(part.strip() for part in index.split(",")))
    there = [alias for alias in ALIASES if es.indices.exists(index=alias)]
    if not there:
        raise NotPlanned(no_such_index(ALIASES[0]))
    return ",".join(sorted(there))


def plan(es: Elasticsearch, names: str, served: ServedModel, url: str, known: Run | None = None) -> Run:
    """Which index becomes which.

    Args:
        names: as `names_of` gives them.
        url: of the service, as Elasticsearch reaches it.
        known: a run that has begun: it goes on, and takes in what is behind the names since.

    Raises:
        NotPlanned, NoFaces, NotWritable: nothing was changed.
    """
    taken = [] if known is None else [*known.sources, *known.targets]
    indices = [index for index in behind(es, names) if index not in taken]
    searchable(es, names)
    _require_no_streams(es, indices)
    _require_whole_aliases(es, names, [*indices, *taken])
    require_writable(es, indices)
    moves = list(known.moves) if known else []
    for index in indices:
        aside = None
        if not es.indices.get_alias(index=index)[index]["aliases"]:
            aside = following(es, _numbered(index), taken)
            taken.append(aside)
        target = following(es, aside or index, taken)
        taken.append(target)
        settings = es.indices.get_settings(index=index, name=DEFAULT_PIPELINE, flat_settings=True).body
        pipeline = settings.get(index, {}).get("settings", {}).get(DEFAULT_PIPELINE)
        moves.append(Move(index, target, None if pipeline == "_none" else pipeline, aside))
    _require_no_strays(es, moves, served.id)
    run = known or Run(
        name=names,
        model=served.id,
        dims=served.dims,
        thresholds=as_meta(served.thresholds),
        old_models=sorted({model for index in indices for model in _models(es, index)}),
        url=url,
    )
    run.moves, run.url = moves, url
    return run


def counted(es: Elasticsearch, move: Move) -> Counted:
    return Counted(
        move.source,
        move.target,
        count_of(es, move.source, {"match_all": {}}),
        faces_in(es, move.source),
        _models(es, move.source),
    )


def _models(es: Elasticsearch, index: str) -> dict[str, int]:
    (found,) = es.indices.get_mapping(index=index).values()
    target = models.recorded(found["mappings"]).get("target_field")
    field = f"{target}.model.id" if target else "model.id"
    answer = es.search(index=index, size=0, aggs={"models": {"terms": {"field": field, "size": 20}}})
    return {bucket["key"]: bucket["doc_count"] for bucket in answer["aggregations"]["models"]["buckets"]}


def _numbered(index: str) -> str:
    """So that the first free name is that of the number 1."""
    return f"{index}-000000"


def _require_no_streams(es: Elasticsearch, indices: list[str]) -> None:
    for index in indices:
        if stream := es.indices.get(index=index)[index].get("data_stream"):
            raise NotPlanned(
                f"[{stream}] is a data stream, whose indices can't be exchanged: create another one by a "
                "template for the new model, and send the photos there. Nothing was changed"
            )


def _require_whole_aliases(es: Elasticsearch, names: str, indices: list[str]) -> None:
    there = es.indices.get_alias(index=behind(es, names))
    for alias in sorted({alias for facts in there.values() for alias in facts["aliases"]}):
        others = [index for index in behind(es, alias) if index not in indices]
        if others:
            raise NotPlanned(
                f"[{alias}] leads to {listed(others)} too, which would stay with another model: name the "
                "alias by --index. Nothing was changed"
            )


def _require_no_strays(es: Elasticsearch, moves: list[Move], model: str) -> None:
    """Where the pipelines of our aliases get the new model, and the default endpoint its service, no other
    index may be left that depends on them."""
    if not (has_plugin(es) and any(move.pipeline in ALIASES for move in moves)):
        return
    indices = [move.source for move in moves] + [move.target for move in moves]
    strays = [index for index in serving.asking_default(es, model) if index not in indices]
    if strays:
        every = ",".join([*ALIASES, *strays])
        raise NotPlanned(
            f"{listed(strays)} has vectors of another model, whose service would not be asked any more: name "
            f"all together, `--index {every}`, or close it to writing (PUT /{strays[0]}/_block/write). "
            "Nothing was changed"
        )
