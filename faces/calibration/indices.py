"""Where calibrations are kept in the cluster, and which one a search uses."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from elasticsearch import ApiError, Elasticsearch, TransportError

from es_setup import models, thresholds
from es_setup.mappings import face_vector_paths
from es_setup.other_models import what_to_do
from es_setup.shipped_files import no_such_index
from faces.calibration.record import Calibration
from faces.error_rates.errors import CalibrationError
from ingest_service.verdicts import UNCALIBRATED, Thresholds, of_model

SEARCHED = ("faces", "face-gallery")
"""The aliases that are searched, by the command or by the pipeline of the probes."""


@dataclass(frozen=True)
class Places:
    """Where a calibration is stored: in these indices, and in the template of new ones."""

    indices: tuple[str, ...]
    template: bool

    @property
    def paths(self) -> list[str]:
        """As they are written in Dev Tools."""
        template = [f"/_component_template/{models.TEMPLATE}"] if self.template else []
        return [f"/{index}/_mapping" for index in self.indices] + template


@dataclass(frozen=True)
class Shared:
    """How similarities in the indices behind a name are judged.

    calibration: the one of all; None if they have none, or not the same.
    problem: why there is none, though an index has one; or what is wrong with their thresholds.
    uncalibrated: the thresholds that they record; the highest, where they differ.
    """

    calibration: Calibration | None = None
    problem: str | None = None
    uncalibrated: Thresholds = UNCALIBRATED

    @property
    def thresholds(self) -> Thresholds:
        return self.calibration.thresholds if self.calibration else self.uncalibrated


def places(es: Elasticsearch, model: str, index: str | None = None) -> Places:
    """Where a calibration of ``model`` belongs.

    Args:
        index: an index or alias, for the indices behind it alone. By default every open index whose ``_meta``
            names the model, and the template.

    Raises:
        CalibrationError: no such index, it has no face vectors or another model; or no index has the model.
        MixedModels: it holds vectors of several models.
    """
    if index is not None:
        return Places(_behind(es, model, index), template=False)
    indices = tuple(name for name, facts in _ours(es).items() if facts.get("model") == model)
    template = models.recorded_in_template(es).get("model") == model
    if not indices and not template:
        others = {name: str(facts["model"]) for name, facts in _ours(es).items()}
        held = ", ".join(f"[{name}] of [{other}]" for name, other in others.items())
        raise CalibrationError(
            f"Elasticsearch has no index of model [{model}], which the service serves, but {held}. "
            + what_to_do(next(iter(others.values())), model)
            if others
            else f"Elasticsearch has no index of model [{model}]: run `faces install` first"
        )
    return Places(indices, template)


def store(
    es: Elasticsearch, calibration: Calibration, where: Places
) -> Iterator[tuple[str, ApiError | TransportError | None]]:
    """Yields each path once it was tried, with the error if it failed."""
    facts = {"model": calibration.model, "calibration": calibration.as_meta()}
    writes = [partial(models.record, es, index, **facts) for index in where.indices]
    if where.template:
        writes.append(partial(models.record_in_template, es, **facts))
    for path, write in zip(where.paths, writes, strict=True):
        problem = None
        try:
            write()
        except (ApiError, TransportError) as error:
            problem = error
        yield path, problem


def judgement_of(es: Elasticsearch, index: str) -> Shared:
    """How similarities in ``index``, an index or alias, are judged."""
    mappings = es.indices.get_mapping(index=index)
    return shared({name: models.recorded(found["mappings"]) for name, found in sorted(mappings.items())})


def judgements(es: Elasticsearch) -> dict[str, Shared]:
    """For each open index of ours, attached ones included."""
    return {name: shared({name: facts}) for name, facts in _ours(es).items()}


def shared(recorded: Mapping[str, dict[str, Any]]) -> Shared:
    """How similarities in several indices are judged, from what is recorded in each."""
    calibration, problem = _calibration(recorded)
    pair, wrong = _uncalibrated(recorded)
    return Shared(calibration, problem or (None if calibration else wrong), pair)


def _calibration(recorded: Mapping[str, dict[str, Any]]) -> tuple[Calibration | None, str | None]:
    """The one calibration; and why there is none, though an index has one."""
    lacking = [name for name, facts in recorded.items() if "calibration" not in facts]
    if len(lacking) == len(recorded):
        return None, None
    again = "run `faces calibrate` again"
    if lacking:
        others = [name for name in recorded if name not in lacking]
        return None, f"{listed(others)} calibrated, {listed(lacking)} not: {again}"
    made = {}
    for name, facts in recorded.items():
        try:
            made[name] = Calibration.from_meta(facts["calibration"], str(facts.get("model")))
        except CalibrationError as error:
            return None, f"[{name}]: {error}"
    if len(set(made.values())) > 1:
        return None, f"the calibrations of {listed(made)} differ: {again}"
    return next(iter(made.values())), None


def _uncalibrated(recorded: Mapping[str, dict[str, Any]]) -> tuple[Thresholds, str | None]:
    """The thresholds without a calibration; and what is wrong with them: the highest of several, as in
    `identify`, and those of the model's profile where an index's can't be read. `identify` knows no profiles:
    it then takes 0.46 for a model with Facenet's network, and has no match for another."""
    found, wrong = [], None
    for name, facts in recorded.items():
        try:
            found.append(thresholds.of_index(facts))
        except thresholds.InvalidThresholds as error:
            wrong = f"[{name}]: {error}"
            found.append(of_model(str(facts.get("model", ""))))
    highest = Thresholds(
        max((one.strong for one in found), default=UNCALIBRATED.strong),
        max((one.possible for one in found), default=UNCALIBRATED.possible),
    )
    if wrong is None and len(set(found)) > 1:
        wrong = f"the thresholds of {listed(recorded)} differ: the highest are used"
    return highest, wrong


def faces_in(es: Elasticsearch, index: str, only: Collection[str] | None = None) -> int:
    """How many faces with a vector an index or alias has.

    Args:
        only: those of the indices behind it that count; default: all.
    """
    paths: dict[str, str | None] = {}
    for name, found in es.indices.get_mapping(index=index).items():
        if only is None or name in only:
            paths |= face_vector_paths(found["mappings"].get("properties", {}))
    return sum(_count(es, index, path, nested, only) for path, nested in paths.items())


def searched_faces(es: Elasticsearch) -> int:
    """The number of faces in the archive or the gallery, whichever has more."""
    there = [alias for alias in SEARCHED if es.indices.exists(index=alias)]
    return max((faces_in(es, alias) for alias in there), default=0)


def _ours(es: Elasticsearch) -> dict[str, dict[str, Any]]:
    """What is recorded in each open index with a recorded model, by name."""
    found = es.indices.get_mapping(
        index="*", expand_wildcards="open", filter_path=f"*.mappings._meta.{models.OURS}"
    )
    recorded = {name: models.recorded(facts["mappings"]) for name, facts in sorted(found.items())}
    return {name: facts for name, facts in recorded.items() if "model" in facts}


def _behind(es: Elasticsearch, model: str, index: str) -> tuple[str, ...]:
    found = es.options(ignore_status=404).indices.get_mapping(index=index)
    if found.meta.status == 404 or not found.body:
        raise CalibrationError(no_such_index(index))
    without = [
        name
        for name, facts in found.body.items()
        if not face_vector_paths(facts["mappings"].get("properties", {}))
    ]
    if without:
        raise CalibrationError(
            f"{listed(without)} has no field for face vectors: see `faces install` and `faces attach`"
        )
    held = models.model_of(es, index)
    if held not in (None, model):
        raise CalibrationError(
            f"[{index}] has vectors of model [{held}], but the service serves [{model}]. "
            + what_to_do(str(held), model)
        )
    return tuple(sorted(found.body))


def _count(es: Elasticsearch, index: str, path: str, nested: str | None, only: Collection[str] | None) -> int:
    query: dict[str, Any] = {"match_all": {}} if only is None else {"terms": {"_index": sorted(only)}}
    if nested is None:
        filters = [query, {"exists": {"field": path}}]
        return int(es.count(index=index, query={"bool": {"filter": filters}})["count"])
    within = {
        "nested": {"path": nested},
        "aggs": {"faces": {"filter": {"exists": {"field": path}}}},
    }
    answer = es.search(index=index, size=0, query=query, aggs={"within": within})
    return int(answer["aggregations"]["within"]["faces"]["doc_count"])


def listed(indices: Iterable[str]) -> str:
    return ", ".join(f"[{index}]" for index in indices)
