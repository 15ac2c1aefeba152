"""Puts the new indices in the place of the old ones, in one step."""

from __future__ import annotations

from typing import Any

from elasticsearch import Elasticsearch

from faces.reembedding.run import Move, Run
from ingest_service.errors import UserError

CLONE_TIMEOUT = "60s"
CLONED_FROM = "index.resize.source.name"


class NotMoved(UserError):
    """The names can't lead to the new indices; the message says why, and what to do. Nothing was moved."""


def behind(es: Elasticsearch, names: str) -> list[str]:
    """The open indices behind names, in order."""
    return sorted(es.indices.get(index=names, expand_wildcards="open", filter_path="*.aliases"))


def has_moved(es: Elasticsearch, run: Run) -> bool:
    """Whether the names lead to the targets already."""
    return all(_leads_to(es, move) for move in run.moves)


def move_aliases(es: Elasticsearch, run: Run) -> None:
    """All aliases of all sources, with their filters and flags, in one request: no search and no document
    meets old and new together.

    Raises:
        NotMoved: an index that isn't among the sources is behind one of the names.
    """
    others = [index for index in behind(es, run.name) if index not in (*run.sources, *run.targets)]
    if others:
        raise NotMoved(f"[{run.name}] got {others} meanwhile, with vectors of another model: run this again")
    actions: list[dict[str, Any]] = []
    for move in run.moves:
        (facts,) = es.indices.get_alias(index=move.source).values()
        for alias, properties in facts["aliases"].items():
            if move.aside is None:
                actions.append({"remove": {"index": move.source, "alias": alias, "must_exist": True}})
            actions.append({"add": {"index": move.target, "alias": alias, **properties}})
        if move.aside is not None:
            actions.append({"remove_index": {"index": move.source}})
            actions.append({"add": {"index": move.target, "alias": move.source, "is_write_index": True}})
    if actions:
        es.indices.update_aliases(actions=actions)


def set_aside(es: Elasticsearch, move: Move) -> None:
    """Copies an index that is addressed by its own name, closed to writing, so that the name gets free and
    nothing is lost: Elasticsearch links its files.

    Raises:
        NotMoved: the copy isn't there in time; the index itself stays.
    """
    assert move.aside
    if es.indices.exists(index=move.aside):
        settings = es.indices.get_settings(index=move.aside, name=CLONED_FROM, flat_settings=True).body
        if settings.get(move.aside, {}).get("settings", {}).get(CLONED_FROM) != move.source:
            raise NotMoved(f"somebody created [{move.aside}] meanwhile: `--rollback`, and run this again")
        # Of a run that was killed: it may lack what was written since.
        es.indices.delete(index=move.aside)
    answer = es.indices.clone(
        index=move.source,
        target=move.aside,
        settings={"index.blocks.write": None},
        wait_for_active_shards="1",
        timeout=CLONE_TIMEOUT,
    )
    if not answer["shards_acknowledged"]:
        raise NotMoved(
            f"[{move.source}] can't be set aside as [{move.aside}] within {CLONE_TIMEOUT}: see `faces "
            "doctor`, and run this again"
        )


def close_to_writing(es: Elasticsearch, index: str) -> None:
    """Returns once what was being written is there."""
    es.indices.add_block(index=index, block="write")


def open_to_writing(es: Elasticsearch, index: str) -> None:
    es.indices.put_settings(index=index, settings={"index.blocks.write": None})


def _leads_to(es: Elasticsearch, move: Move) -> bool:
    """A target that nothing leads to, of a source that nothing led to, has moved when its run says so."""
    if move.aside is not None:
        return bool(es.indices.exists_alias(name=move.source))
    found = es.options(ignore_status=404).indices.get_alias(index=move.target).body
    return bool(found.get(move.target, {}).get("aliases"))
