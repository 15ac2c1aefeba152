"""Indices of another model than the one that is served: which they are, and new ones in their place.

Vectors of two models can't be compared, so each index keeps its model, and another model needs other indices.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from elasticsearch import Elasticsearch

from es_setup import client_side, models
from es_setup.mappings import Mapping, face_vectors
from es_setup.shipped_files import ALIASES
from ingest_service.errors import UserError
from ingest_service.successors import SUCCESSORS

MISMATCH = re.compile(r"model \[([^\]]+)\] was asked for, but \[([^\]]+)\] is served")
"""How the service refuses a request for a model that it doesn't serve (``ingest_service.routes``)."""


class OtherModel(UserError):
    """An index's vectors are of another model than the service's; the message says what to do."""


def what_to_do(held: str, served: str | None = None) -> str:
    """What to do where an index has vectors of one model and the service serves another.

    Args:
        held: the index's model.
        served: the service's, if known.
    """
    keep = f"start the service with FACES_PROFILE={profile_of(held)}"
    switch = "run `faces install --new-indices`"
    if successor := SUCCESSORS.get(profile_of(held)):
        keep = f"go back to the release before, the last that serves [{profile_of(held)}]"
        if served is None or profile_of(served) != successor:
            switch = f"start the service with its successor, FACES_PROFILE={successor}, {switch}"
    elif served is not None and profile_of(held) == profile_of(served):
        keep = (
            f"start the service with the settings of [{held}] (FACES_TURNED_FACES=off, if it is from before "
            "that setting)"
        )
    all_along = (
        f" Or keep it all: `faces reembed --profile {profile_of(served)}` gives what is indexed vectors of "
        "the new model, and takes what people said along (docs/chores.md)"
        if served is not None and served != held
        else ""
    )
    return (
        f"To stay with [{held}], {keep}. To switch, {switch} and index the photos "
        "again: `faces index FOLDER`, portraits with `--index face-gallery --labels folder`. New indices "
        "take the place of the old ones, which stay searchable under their names, with what people said "
        "(labels, tags). An attached index keeps its model: attach another index and send the photos there."
        f"{all_along}"
    )


def check_refusal(reason: str, index: str) -> None:
    """
    Args:
        reason: why Elasticsearch refused a search of ``index``, or a photo for it.

    Raises:
        OtherModel: because the service that Elasticsearch asks serves another model.
    """
    if found := MISMATCH.search(reason):
        held, served = found.groups()
        raise OtherModel(
            f"[{index}] has vectors of [{held}], but the service that Elasticsearch asks serves [{served}]. "
            + what_to_do(held, served)
        )


def profile_of(model: str) -> str:
    """The name of a model's profile, by its id."""
    return model.rpartition("-")[0]


def written_to(es: Elasticsearch) -> dict[str, str]:
    """Index -> the pipeline of ours that its documents pass, or in whose place `faces worker` is; without
    indices that are blocked for writing."""
    pipelines, blocked = _pipelines(es)
    return {index: pipeline for index, pipeline in pipelines.items() if index not in blocked}


def in_use(es: Elasticsearch) -> dict[str, str]:
    """Index -> the alias of its kind, of those behind our aliases, and of others that `written_to` knows."""
    pipelines, blocked = _pipelines(es)
    found = pipelines | _behind_aliases(es)
    return {index: alias for index, alias in sorted(found.items()) if index not in blocked}


def _pipelines(es: Elasticsearch) -> tuple[dict[str, str], set[str]]:
    """Index -> the pipeline of ours that its documents pass; and the indices that are blocked for writing."""
    wanted = ["index.default_pipeline", "index.blocks.write", "index.blocks.read_only"]
    settings = es.indices.get_settings(index="*", name=wanted, allow_no_indices=True, flat_settings=True)
    found = {index: settings[index]["settings"] for index in sorted(settings)}
    pipelines = {index: facts.get("index.default_pipeline") for index, facts in found.items()}
    return (
        client_side.templated(es)
        | {index: pipeline for index, pipeline in pipelines.items() if pipeline in ALIASES},
        {index for index, facts in found.items() if "true" in (facts.get(block) for block in wanted[1:])},
    )


def _behind_aliases(es: Elasticsearch) -> dict[str, str]:
    """Index -> the alias of ours that it is behind."""
    there = [alias for alias in ALIASES if es.indices.exists_alias(name=alias)]
    return {
        index: alias for alias in there for index in es.indices.get_alias(name=alias, expand_wildcards="open")
    }


@dataclass(frozen=True)
class Unfit:
    """An index that can't take a model's vectors.

    model: its own, if known.
    alias: the one of ours that it is behind.
    blocked: whether it is closed to writing already.
    """

    index: str
    model: str | None
    why: str
    alias: str | None
    blocked: bool


def unfit(es: Elasticsearch, model: str, wanted: dict[str, Mapping]) -> list[Unfit]:
    """The indices that our pipelines write to, or that are behind an alias of ours, and that can't take
    vectors of ``model``.

    One that is closed to writing counts while it is behind an alias: it would mix models there. So an
    installation that was broken off finds it again.

    Args:
        wanted: index template -> its properties.
    """
    found = []
    pipelines, blocked = _pipelines(es)
    aliases = _behind_aliases(es)
    written = {index: pipeline for index, pipeline in pipelines.items() if index not in blocked}
    for index, template in sorted((aliases | written).items()):
        mapping = es.indices.get_mapping(index=index)[index]["mappings"]
        recorded = models.recorded(mapping).get("model")
        held = models.held(es, index)
        if index in blocked and not held and recorded:
            held = [recorded]
        dims, wanted_dims = (dims_of(one) for one in (mapping.get("properties", {}), wanted[template]))
        place = (aliases.get(index), index in blocked)
        if other := next((one for one in held if one != model), None):
            found.append(Unfit(index, other, f"[{index}] holds vectors of {held}", *place))
        elif dims and dims != wanted_dims:
            why = f"[{index}] is for vectors of {dims} dimensions, those of [{model}] have {wanted_dims}"
            found.append(Unfit(index, recorded, why, *place))
    return found


def refusal(model: str, found: list[Unfit]) -> str:
    """Why an installation for ``model`` changes nothing, and what to do."""
    old = next((one.model for one in found if one.model), None)
    lines = [
        f"these indices can't take vectors of [{model}], as vectors of two models can't be compared; nothing "
        "was changed:",
        *(one.why for one in found),
        f"To go on, {what_to_do(old, model)}"
        if old
        else "`faces install --new-indices` puts new ones in their place",
    ]
    return "\n".join(lines)


def dims_of(properties: Mapping) -> int | None:
    """The dimensions of a mapping's face vectors; None without such a field."""
    return next((int(field["dims"]) for field in face_vectors(properties) if "dims" in field), None)


def close(es: Elasticsearch, found: list[Unfit], dry_run: bool) -> Iterator[tuple[str, str]]:
    """Closes indices to writing; they stay searchable. Yields each request with what became of it."""
    for one in found:
        if one.blocked:
            continue
        if not dry_run:
            es.indices.add_block(index=one.index, block="write")
        outcome = "closed to writing, still searchable under its own name"
        yield f"PUT /{one.index}/_block/write", outcome if one.alias else f"{outcome}. {_alone(es, one)}"


def _alone(es: Elasticsearch, one: Unfit) -> str:
    """What to do about an index that nothing takes the place of."""
    following = _following(es, f"{one.index}-", 1, digits=1)
    return (
        f"Nothing takes its place, as it is behind none of our aliases: what is sent to [{one.index}] is "
        f"refused from now on. Why: {one.why}, and its pipeline now makes those of another model. What to "
        f"do: after this installation create [{following}], by `PUT /{following}` if an index template of "
        f"ours applies to that name, else also by `faces attach {following} --field PHOTO`, and send the "
        "photos there again"
    )


def replace(es: Elasticsearch, found: list[Unfit], dry_run: bool) -> Iterator[tuple[str, str]]:
    """Takes indices out of our aliases, and puts a new one in the place of each alias's write index. Yields
    each request with what became of it.

    After each step the alias has a write index, so that what was broken off can be done again.
    """
    for alias in ALIASES:
        leaving = [one.index for one in found if one.alias == alias]
        if not leaving:
            continue
        behind = es.indices.get_alias(name=alias)
        writes = {
            index: facts["aliases"][alias].get("is_write_index", len(behind) == 1)
            for index, facts in behind.items()
        }
        if not any(writes.values()) or any(writes[index] for index in leaving):
            old = next((index for index in leaving if writes[index]), leaving[-1])
            following = _following(es, f"{alias}-", _number(old), digits=6)
            if not dry_run:
                # With this flag the old one stays behind the alias until the new one is there.
                write = {"index": old, "alias": alias, "is_write_index": True}
                es.indices.update_aliases(actions=[{"add": write}])
                # At once a new index and the alias's write index.
                es.indices.rollover(alias=alias, new_index=following)
            yield f"POST /{alias}/_rollover/{following}", f"created, in the place of {old}"
        if not dry_run:
            removals = [{"remove": {"index": index, "alias": alias}} for index in leaving]
            es.indices.update_aliases(actions=removals)
        yield "POST /_aliases", f"{', '.join(leaving)} left [{alias}]"


def _number(index: str) -> int:
    """The number at the end of its name; 1 without."""
    found = re.search(r"\d+$", index)
    return int(found[0]) if found else 1


def _following(es: Elasticsearch, name: str, number: int, digits: int) -> str:
    """The next name that is free."""
    while es.indices.exists(index=(following := f"{name}{number + 1:0{digits}d}")):
        number += 1
    return following
