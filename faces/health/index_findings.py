"""What is wrong with the indices: their models, thresholds, blocks and documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from shlex import quote

from es_setup.other_models import profile_of, what_to_do
from es_setup.shipped_files import ALIASES, PROBES
from faces.calibration.indices import listed, shared
from faces.health.findings import Finding, Requests
from faces.health.indices import Indices, OurIndex, by_place
from ingest_service.errors import CODES
from ingest_service.successors import SUCCESSORS

FULL_DISK = "read_only_allow_delete"
RETRIED = ("unavailable", "internal")
"""Error codes of documents whose photo may be read at the next try."""


def findings(indices: Indices, served: str | None, requests: Requests) -> Iterator[Finding]:
    """
    Args:
        served: the service's model, if it answers.
    """
    for name in indices.misnamed:
        yield _misnamed(name, requests)
    for index in indices.ours:
        yield from _state(index, requests)
    for place, behind in by_place(indices):
        wanted = None if indices.is_retired(place) else served
        yield from _models(place, indices.models_of(place), wanted, requests)
        yield from _judgement(place, behind, indices.faces_of(place))
    yield from _documents(indices)


def _misnamed(name: str, requests: Requests) -> Finding:
    # A name that no template of ours applies to.
    copy = f"before-install-{name}"
    return Finding(
        "error",
        "alias-is-index",
        f"[{name}] must be an alias, but an index has that name: did a document come before `faces install`? "
        f"Copy it, delete it, run `faces install`, and reindex the copy [{copy}] into [{name}]. The copy:",
        requests.line("POST", "/_reindex", {"source": {"index": name}, "dest": {"index": copy}}),
    )


def _state(index: OurIndex, requests: Requests) -> Iterator[Finding]:
    if index.closed:
        consequence = f"every search of [{index.alias}] fails" if index.alias else "it can't be searched"
        yield Finding(
            "error" if index.alias else "warning",
            "index-closed",
            f"[{index.name}] is closed: {consequence}",
            requests.line("POST", f"/{index.name}/_open"),
        )
    for block in index.blocks:
        # An index of another model is closed to writing on purpose, and has left the alias.
        if block == "write" and not index.writes:
            continue
        why = "its disk was full" if block == FULL_DISK else "somebody set it"
        yield Finding(
            "error",
            f"block-{block.replace('_', '-')}",
            f"[{index.name}] has the block [{block}]: {why}. Photos and changes are refused",
            requests.line("PUT", f"/{index.name}/_settings", {f"index.blocks.{block}": None}),
        )
    if index.stored_only and index.writes and index.alias == PROBES:
        yield Finding(
            "hint",
            "candidates-stored-only",
            f"[{index.name}] is from an earlier release: its candidates can't be queried, those of new "
            "indices can. A new one takes its place (to query the old ones: docs/indices.md#reindex)",
            requests.line("POST", f"/{index.alias}/_rollover"),
        )
    if index.pipeline in (None, "_none") and not index.is_workers:
        yield from _without_pipeline(index, requests)


def _without_pipeline(index: OurIndex, requests: Requests) -> Iterator[Finding]:
    problem = f"[{index.name}] has no default pipeline: photos that are sent there get no faces"
    field, target = (index.recorded.get(name) for name in ("field", "target_field"))
    if index.writes:
        settings = {"index.default_pipeline": index.alias}
        yield Finding(
            "error", "no-pipeline", problem, requests.line("PUT", f"/{index.name}/_settings", settings)
        )
    elif index.is_attached:
        below = f" --target-field {quote(str(target))}" if target else ""
        again = f"faces attach {quote(index.name)} --field {quote(str(field))}{below}"
        yield Finding("warning", "no-pipeline", problem, again)


def _models(place: str, held: list[str], served: str | None, requests: Requests) -> Iterator[Finding]:
    if len(held) > 1:
        yield Finding(
            "error",
            "several-models",
            f"[{place}] holds vectors of several models, {listed(held)}, which can't be compared: no search "
            "of it is answered",
            requests.line("GET", f"/{place}/_search?size=0", _by_index_and_model())
            if place not in ALIASES
            else "faces install --new-indices",
        )
    elif served and held and held != [served]:
        yield Finding(
            "error",
            "other-model",
            f"[{place}] has vectors of [{held[0]}], the service serves [{served}]. "
            + what_to_do(held[0], served),
            _served_again(held[0]),
        )


def _served_again(model: str) -> str:
    """What keeps the index's vectors, if this release has their profile."""
    profile = profile_of(model)
    if profile in SUCCESSORS:
        return "faces install --new-indices"
    return f"FACES_PROFILE={quote(profile)} python -m ingest_service  # with the settings of [{model}]"


def _by_index_and_model() -> dict[str, object]:
    return {"aggs": {"models": {"terms": {"field": "model.id"}}}}


def _judgement(place: str, behind: list[OurIndex], faces: int) -> Iterator[Finding]:
    judged = shared({index.name: index.recorded for index in behind})
    again = f"faces calibrate FOLDER --gallery-size {max(faces, 1)}"
    if judged.problem:
        yield Finding("warning", "thresholds", f"[{place}]: {judged.problem}", again)
    made = judged.calibration
    if made and faces > made.gallery_size:
        yield Finding(
            "warning",
            "calibration-outgrown",
            f"[{place}] has {faces:,} faces, its calibration is for {made.gallery_size:,}: a search for "
            f"somebody who isn't there returns a wrong person more often than {made.fpir:.2%}",
            again,
        )
    if not made and not judged.problem and faces:
        yield Finding(
            "hint",
            "not-calibrated",
            f"[{place}] isn't calibrated: {judged.thresholds.words} by its model, for small archives; "
            "FOLDER has photos of at least 5 people in a folder each",
            again,
        )


def _documents(indices: Indices) -> Iterator[Finding]:
    for place, behind in by_place(indices):
        held = [index.held for index in behind if index.held]
        if left := sum(index.held.unprocessed for index in behind if index.held and index.is_workers):
            yield Finding(
                "warning",
                "waiting",
                f"[{place}]: {left:,} documents wait for their faces, or have no photo: does a worker run?",
                "faces worker --once" if place in ALIASES else f"faces worker {quote(place)} --once",
            )
        failures: Counter[str] = Counter()
        for one in held:
            failures.update(one.failures)
        # An alias of ours is the commands' default.
        where = "" if place == ALIASES[0] else f" --index {quote(place)}"
        if again := {code: count for code, count in failures.items() if code in RETRIED}:
            yield Finding(
                "warning",
                "failed-retry",
                f"[{place}]: photos that weren't read for no fault of theirs: {_counted(again)}",
                f"faces retry{where}",
            )
        if bad := {code: count for code, count in failures.items() if code not in RETRIED}:
            yield Finding(
                "hint",
                "failed-photos",
                f"[{place}]: photos that can't be used: {_counted(bad)}. {_remedies(bad)}".rstrip(),
                f"faces discard{where} --dry-run",
            )
        if undecided := sum(one.undecided for one in held):
            yield Finding(
                "hint",
                "undecided",
                f"[{place}]: {undecided:,} faces have candidates that nobody confirmed or rejected",
                f"faces review --index {quote(place)} --include-matches",
            )


def _counted(codes: dict[str, int]) -> str:
    return ", ".join(f"{count:,} {code}" for code, count in sorted(codes.items()))


def _remedies(codes: dict[str, int]) -> str:
    return " ".join(f"[{code}] {CODES[code][1]}" for code in sorted(codes) if code in CODES)
