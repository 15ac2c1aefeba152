"""The command `faces reembed`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from elasticsearch import ApiError, Elasticsearch, TransportError

from es_setup.connection import Connection, ConnectionFailed, Service, without_password
from faces.calibration.indices import listed
from faces.cli.cluster import of_profile
from faces.cli.options import DryRun, JsonFlag, connected
from faces.cli.output import counted, err, explained, fail, out, print_json, say, tracked
from faces.cli.servers import stopped_by_signals
from faces.decisions.changing import Changed
from faces.reembedding import planning
from faces.reembedding.copying import Copied
from faces.reembedding.ending import end, give_up, taken_back
from faces.reembedding.photo_sources import PhotoSources
from faces.reembedding.reembedding import Reembedding, Result
from faces.reembedding.run import Run, RunRecord
from faces.reembedding.sampling import Sample
from ingest_service.errors import UserError

SOURCES = ("document", "file", "url", "crop")


@connected
def reembed(
    connection: Connection,
    profile: Annotated[
        str | None, typer.Option(help="the profile that the indices get; the service must serve it")
    ] = None,
    to_url: Annotated[
        str | None,
        typer.Option(
            help="the service of the model that the indices get, beside the one that is asked until then; "
            "default: FACES_URL"
        ),
    ] = None,
    endpoint_url: Annotated[
        str | None, typer.Option(help="its address for Elasticsearch, if that is another; default: --to-url")
    ] = None,
    photos: Annotated[
        list[Path] | None,
        typer.Option(exists=True, file_okay=False, help="a folder below which `file.path` is looked for"),
    ] = None,
    url_prefix: Annotated[
        list[str] | None, typer.Option(help="how an `url.original` must begin to be fetched")
    ] = None,
    index: Annotated[
        str | None,
        typer.Option(help="indices or aliases; default: faces, face-gallery and face-probes together"),
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="move whatever the sample shows, and without vectors if need be")
    ] = False,
    rollback: Annotated[
        bool, typer.Option("--rollback", help="go back to the old indices, with all that happened since")
    ] = False,
    finish: Annotated[bool, typer.Option("--finish", help="delete the old indices")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="with --finish: don't ask")] = False,
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Give indices the vectors of another model: new indices beside the old ones, which take their place in
    one step. Searches and senders go on meanwhile; what people decided stays. Needs the service of the new
    model; the plugin is not needed. Killed, it goes on when it is run again. Exit status 1 if nothing moved.
    """
    _check(profile, rollback, finish, as_json, yes or dry_run)
    with explained(), stopped_by_signals():
        es = connection.elasticsearch()
        sources = PhotoSources(tuple(photos or ()), tuple(url_prefix or ()))
        address = (to_url or connection.faces_url).rstrip("/")
        service = replace(connection, faces_url=address).service()
        record = RunRecord(es, planning.names_of(es, index))
        with _held(record, dry_run) as known:
            if finish:
                _finish(es, record, _settled(known), dry_run, yes, as_json)
            elif rollback:
                run = _back(es, record, known, service, endpoint_url or address, force, dry_run, as_json)
                if run is not None:
                    usable = service if _serves(service, run.model) else None
                    work = Reembedding(es, record, run, usable, sources)
                    _work(work, force, as_json)
            else:
                run = _forward(es, record, known, service, str(profile), endpoint_url or address)
                if dry_run or not run.moves:
                    _print_plan(es, run, as_json)
                else:
                    _work(Reembedding(es, record, run, service, sources), force, as_json)


def _check(profile: str | None, rollback: bool, finish: bool, as_json: bool, answers: bool) -> None:
    if sum((profile is not None, rollback, finish)) != 1:
        fail("give one of --profile, --rollback and --finish", status=2)
    if finish and as_json and not answers:
        fail("--json asks nothing: give --yes, or --dry-run to see what would go", status=2)


@contextmanager
def _held(record: RunRecord, dry_run: bool) -> Iterator[Run | None]:
    """The run that has begun, if one has; nobody else works on it meanwhile."""
    if dry_run:
        yield record.read()
        return
    known = record.take()
    try:
        yield known
    except BaseException:
        with suppress(ApiError, TransportError, UserError):
            record.release()
        raise
    record.release()


def _forward(
    es: Elasticsearch, record: RunRecord, known: Run | None, service: Service, profile: str, url: str
) -> Run:
    if known and known.back:
        what = (
            "isn't finished: `--rollback` goes on"
            if known.state != "settled"
            else (f"left {listed(known.sources)}: `--finish` deletes them first")
        )
        fail(f"a rollback of [{record.name}] {what}")
    served = of_profile(service, profile)
    if known and known.model != served.id:
        fail(
            f"[{record.name}] is being re-embedded to [{known.model}], and the service serves [{served.id}]: "
            "name the service of that model by --to-url; or `--rollback` first"
        )
    if known and known.state == "settled":
        return replace(known, moves=[])
    run = planning.plan(es, record.name, served, url, known)
    if known is None and run.old_models == [served.id]:
        return replace(run, moves=[])
    return run


def _back(
    es: Elasticsearch,
    record: RunRecord,
    known: Run | None,
    service: Service,
    url: str,
    force: bool,
    dry_run: bool,
    as_json: bool,
) -> Run | None:
    """The run to work on; None if nothing is left to do."""
    if known is None or (known.back and known.state == "settled"):
        fail(
            f"there is nothing to take back: [{record.name}] wasn't re-embedded, or the old indices are gone"
        )
    if known.state == "moved" and not known.back:
        fail("the move isn't finished: run `faces reembed --profile P` again, then --rollback")
    if known.state == "copying" and not known.back:
        deleted = known.targets if dry_run else give_up(es, record, known)
        if as_json:
            print_json({"dry_run": dry_run, "state": "given up", "deleted": deleted})
        else:
            would = "would be " if dry_run else ""
            out.print(f"nothing had moved; {listed(deleted)} {would}deleted")
        return None
    run = replace(known, url=url) if known.back else taken_back(es, known, url)
    if not _serves(service, run.model) and not force:
        fail(
            f"the service at {without_password(service.url)} doesn't serve [{run.model}], which faces that "
            "arrived since the move need: name the one that does by --to-url; --force goes back without, and "
            "leaves these faces without a vector"
        )
    if dry_run:
        _print_plan(es, run, as_json)
        return None
    return run


def _serves(service: Service, model: str) -> bool:
    try:
        return service.model().id == model
    except ConnectionFailed:
        return False


def _settled(known: Run | None) -> Run:
    if known is None or known.state != "settled":
        fail("there is nothing to finish: no indices have moved, or not wholly")
    return known


def _finish(es: Elasticsearch, record: RunRecord, run: Run, dry_run: bool, yes: bool, as_json: bool) -> None:
    if not (dry_run or yes):
        typer.confirm(f"Delete {listed(run.sources)}? Then nothing can be taken back", abort=True)
    deleted = run.sources if dry_run else end(es, record, run)
    if as_json:
        print_json({"dry_run": dry_run, "deleted": deleted})
    else:
        out.print(f"{listed(deleted)} {'would be ' if dry_run else ''}deleted")


def _print_plan(es: Elasticsearch, run: Run, as_json: bool) -> None:
    """Of what would be done; without indices that nothing is to do."""
    plan = [planning.counted(es, move) for move in run.moves]
    if as_json:
        planned = [one.as_json() for one in plan]
        print_json({"dry_run": bool(plan), "state": run.state, "model": run.model, "indices": planned})
        return
    for one in plan:
        held = ", ".join(f"{count:,} of [{model}]" for model, count in one.models.items()) or "none processed"
        documents = counted(one.documents, "document")
        out.print(f"[{one.index}] → [{one.target}]: {documents}, {counted(one.faces, 'face')}; {held}")
    if plan:
        say("dry run: nothing was changed")
    else:
        out.print(f"nothing to do: [{run.name}] has vectors of [{run.model}] already")


def _work(work: Reembedding, force: bool, as_json: bool) -> None:
    """All steps that are left."""
    try:
        for step, results in work.steps(force):
            total = work.documents() if step == "embedding" else None
            for one in tracked(results, total, step, "photos" if total else None):
                _show(one)
    except (KeyboardInterrupt, UserError, ApiError, TransportError) as error:
        say(_counts(work))
        if isinstance(error, KeyboardInterrupt):
            say("stopped: run the same command again, and it goes on; --rollback takes it back")
        raise
    _print(work, as_json)


def _show(one: Result) -> None:
    if isinstance(one, Copied) and one.outcome == "failed":
        err.print(f"{one.id}: not copied: {one.reason}")
    if isinstance(one, Changed) and one.outcome == "failed":
        err.print(f"{one.path or one.id}: not identified: {one.reason}")
    if isinstance(one, Sample):
        _print_sample(one)


def _print_sample(one: Sample) -> None:
    recall = "no face to search" if one.recall is None else f"recall {100 * one.recall:.1f} %"
    rank1 = "too few labelled faces to compare"
    if one.rank1_before is not None and one.rank1_after is not None:
        before, after = (f"{100 * share:.1f} %" for share in (one.rank1_before, one.rank1_after))
        rank1 = f"the most similar face is the same person's: {before} before, {after} now"
    say(f"sample of [{one.target}]: {recall}; {rank1}")


def _print(work: Reembedding, as_json: bool) -> None:
    progress, crops = work.progress, work.from_crops()
    for note in work.notes:
        err.print(f"note: {note}")
    if as_json:
        print_json(
            {
                "state": work.run.state,
                "back": work.run.back,
                "model": work.run.model,
                "indices": [{"old": move.source, "new": move.target} for move in work.run.moves],
                "copied": progress["copied"],
                "caught_up": progress["caught_up"],
                "deleted": progress["deleted"],
                "vectors": {source: progress[f"from_{source}"] for source in SOURCES},
                "documents_from_crops": crops,
                "faces_without_vector": sum(one.without for one in work.without.values()),
                "samples": [one.as_json() for one in work.samples],
                "notes": work.notes,
            }
        )
        return
    if crops:
        out.print(
            f"{counted(crops, 'document')} embedded from the stored crop (`model.source: crop`), as no photo "
            "was to be had"
        )
    out.print(_counts(work))
    back = "" if work.run.back else "`faces reembed --rollback` goes back, "
    say(f"{listed(work.run.sources)} stay, closed to writing: {back}`faces reembed --finish` deletes them")


def _counts(work: Reembedding) -> str:
    progress = work.progress
    found = [(progress[f"from_{source}"], _words(source)) for source in SOURCES]
    vectors = ", ".join(f"{counted(count, 'vector')} from {source}" for count, source in found if count)
    return (
        f"{counted(progress['copied'], 'document')} copied, {progress['caught_up']} caught up, "
        f"{progress['deleted']} deleted, {len(work.failed)} failed; {vectors or 'no new vectors'}"
    )


def _words(source: str) -> str:
    return {"document": "kept photos", "file": "files", "url": "addresses", "crop": "crops"}[source]
