"""How a run ends: for good, before anything has moved, or by a run that takes it back."""

from __future__ import annotations

from contextlib import suppress

from elasticsearch import Elasticsearch, NotFoundError

from es_setup import models, thresholds
from es_setup.install import has_plugin
from es_setup.other_models import dims_of
from es_setup.thresholds import as_meta
from faces.reembedding import moving, new_indices, serving
from faces.reembedding.run import Move, Run, RunRecord


def end(es: Elasticsearch, record: RunRecord, run: Run) -> list[str]:
    """Deletes the old indices, which nothing leads to any more; returns their names."""
    deleted = []
    for move in run.moves:
        with suppress(NotFoundError):
            es.indices.delete(index=move.source)
            deleted.append(move.source)
    if has_plugin(es):
        serving.remove_copies(es, run)
    record.forget()
    return deleted


def give_up(es: Elasticsearch, record: RunRecord, run: Run) -> list[str]:
    """Ends a run before its move: deletes the new indices; returns their names."""
    for move in run.moves:
        if move.aside:
            moving.open_to_writing(es, move.source)
    deleted = []
    for move in run.moves:
        # Not one that somebody else has made.
        with suppress(NotFoundError, new_indices.NotCreated):
            new_indices.require_ours(es, move.target, move.source)
            es.indices.delete(index=move.target)
            deleted.append(move.target)
    if has_plugin(es):
        serving.remove_copies(es, run)
    record.forget()
    return deleted


def taken_back(es: Elasticsearch, run: Run, url: str) -> Run:
    """The run that takes one back: what happened since the move is carried into the old indices."""
    facts = {
        move.source: models.recorded(es.indices.get_mapping(index=move.source)[move.source]["mappings"])
        for move in run.moves
    }
    first = facts[run.moves[0].source]
    properties = es.indices.get_mapping(index=run.sources[0])[run.sources[0]]["mappings"]["properties"]
    return Run(
        name=run.name,
        model=str(first.get("model") or run.old_models[0]),
        dims=dims_of(properties) or run.dims,
        thresholds=as_meta(thresholds.of_index(first)),
        old_models=[run.model],
        url=url,
        moves=[Move(move.target, move.source, move.pipeline) for move in run.moves],
        back=True,
        before=run.before,
    )
