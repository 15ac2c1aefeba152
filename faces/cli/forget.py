"""The command `faces forget`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from elasticsearch import Elasticsearch

from es_setup.connection import Connection
from faces.cli.forget_report import print_dry_run, print_found, print_report, print_similar, what_goes
from faces.cli.options import DryRun, JsonFlag, connected_to_elasticsearch
from faces.cli.output import counted, err, explained, fail, out, print_json, say, tracked
from faces.cli.servers import stopped_by_signals
from faces.decisions.labelling import known_name
from faces.erasure.finding import Findings, find, ids_of, with_content
from faces.erasure.forgetting import Forgetting, refresh
from faces.erasure.forgotten import Forgotten, Run, require_installed
from faces.erasure.keyed_hashes import BadKey, KeyedHashes, existing, made
from faces.erasure.planning import ForgetPlan
from faces.erasure.proving import mentions
from faces.erasure.scope import Scope, scope_of
from faces.erasure.similar import SimilarFace
from faces.erasure.subject import Subject
from faces.erasure.unreachable import unreachable
from faces.people import find_person
from faces.photos import sha256_of
from faces.reembedding.old_indices import NotErasable, old_indices, require_erasable, require_open

WAIT = 120


@connected_to_elasticsearch
def forget_command(
    connection: Connection,
    person: Annotated[str | None, typer.Option(metavar="NAME", help="everything of this person")] = None,
    photo: Annotated[Path | None, typer.Option(metavar="FILE", help="every document of this photo")] = None,
    id: Annotated[str | None, typer.Option("--id", help="a document, or a face, by its id")] = None,
    face: Annotated[
        int | None,
        typer.Option(min=0, help="with --photo or --id: only this face; its position, largest first, from 0"),
    ] = None,
    also: Annotated[
        list[str] | None,
        typer.Option(metavar="ID", help="with --person: an unnamed face that is theirs, too"),
    ] = None,
    include_similar: Annotated[
        float | None,
        typer.Option(min=-1, max=1, help="with --person: all unnamed faces from this similarity on, too"),
    ] = None,
    index: Annotated[
        str | None, typer.Option(help="only these indices or aliases; default: all that can hold faces")
    ] = None,
    allow_again: Annotated[
        bool, typer.Option("--allow-again", help="let `faces index` store the photos again")
    ] = False,
    lift: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="delete nothing: let this forgotten photo be indexed again"),
    ] = None,
    wait: Annotated[
        float, typer.Option(min=0, help="seconds to wait, at most, until segments can be rewritten")
    ] = WAIT,
    no_expunge: Annotated[
        bool, typer.Option("--no-expunge", help="leave what is deleted in the segments, for now")
    ] = False,
    dry_run: DryRun = False,
    yes: Annotated[bool, typer.Option("--yes", help="don't ask")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Erase a person or a photo from every index, keep it away, and prove that it is gone. Lists what it
    finds, and asks first. Killed, it goes on when it is run again. Exit status 1 if anything is left. Needs
    Elasticsearch alone.
    """
    _check(person, photo, id, face, also, include_similar, lift, as_json and not (yes or dry_run or lift))
    with explained(), stopped_by_signals():
        es = connection.elasticsearch()
        if lift:
            _lift(es, lift, as_json)
            return
        if not dry_run:
            require_installed(es)
        hashes = _key_if_readable(es) if dry_run else made(es)
        scope = scope_of(es, index)
        old = old_indices(es)
        with _only_told(dry_run):
            require_open(old, scope.closed)
        refresh(es, scope)
        subject, digest = _subject(es, scope, hashes, person, photo, id, face)
        plan = ForgetPlan.of(es, scope, hashes, subject, digest)
        if plan.is_empty:
            _nothing(es, scope, plan.subject, plan.run, as_json)
            return
        if not as_json:
            print_found(plan.findings, plan.entries, plan.run if plan.is_unfinished else None)
        chosen = _confirmed(
            plan.similar, also or [], include_similar, ask=not (yes or dry_run), quiet=as_json
        )
        plan = plan.also(chosen)
        report: dict[str, Any] = {
            "found": [found.as_json() for found in plan.findings.documents],
            "journal_entries": plan.entries,
            "similar": [one.as_json() for one in plan.similar],
            "included": [one.face.id for one in chosen],
        }
        with _only_told(dry_run):
            require_erasable(es, old, {found.index for found in plan.findings.documents})
        if dry_run:
            print_dry_run(report, plan.findings, as_json)
            return
        if not (yes or (plan.is_unfinished and not plan.findings.documents)):
            typer.confirm(f"{what_goes(plan.findings)}. Forget all of it? It can't be undone", abort=True)
        forgetting = plan.forgetting(allow_again)
        _run(forgetting, plan.findings, None if no_expunge else wait)
        beyond = unreachable(es, scope, forgetting.run.indices)
        named = mentions(es, scope, plan.subject.name) if plan.subject.name else {}
    print_report(forgetting, report, beyond, named, no_expunge, as_json)
    if not forgetting.is_proved or any(one.left for one in forgetting.expunged):
        raise typer.Exit(1)


@contextmanager
def _only_told(dry_run: bool) -> Iterator[None]:
    """With a dry run what would be refused is a note: it lists all the same."""
    try:
        yield
    except NotErasable as error:
        if not dry_run:
            raise
        err.print(f"note: {error}")


def _key_if_readable(es: Elasticsearch) -> KeyedHashes | None:
    """Without it a dry run can't tell whether a run isn't finished, and lists all the same."""
    try:
        return existing(es)
    except BadKey:
        return None


def _check(
    person: str | None,
    photo: Path | None,
    id: str | None,
    face: int | None,
    also: list[str] | None,
    include_similar: float | None,
    lift: Path | None,
    would_ask: bool,
) -> None:
    if sum(one is not None for one in (person, photo, id, lift)) != 1:
        fail("give one of --person, --photo, --id and --lift", status=2)
    if person is not None and not person.strip():
        fail("the name of the person is empty", status=2)
    if face is not None and person is not None:
        fail("--face goes with --photo or --id", status=2)
    if (also or include_similar is not None) and person is None:
        fail("--also and --include-similar go with --person", status=2)
    for file in (photo, lift):
        if file is not None and not file.is_file():
            fail(f"no such file [{file}]", status=2)
    if would_ask:
        fail("--json asks nothing: give --yes, or --dry-run to see what would go", status=2)


def _subject(
    es: Elasticsearch,
    scope: Scope,
    hashes: KeyedHashes | None,
    person: str | None,
    photo: Path | None,
    id: str | None,
    face: int | None,
) -> tuple[Subject, str]:
    """What is forgotten, and the keyed hash of what was given; empty without a key."""
    if person is not None:
        name = known_name(person)
        return Subject(name), hashes.of_name(name) if hashes else ""
    part = "" if face is None else f" face {face}"
    if photo is not None:
        sha256 = sha256_of(photo)
        subject, digest = with_content(es, scope, sha256), hashes and hashes.of_photo(sha256 + part)
    else:
        subject, digest = ids_of(es, scope, str(id)), hashes and hashes.of_document(f"{id}{part}")
    if face is not None and subject.documents:
        subject = _only_face(es, scope, subject, face)
    return subject, digest or ""


def _only_face(es: Elasticsearch, scope: Scope, subject: Subject, position: int) -> Subject:
    every = [one for found in find(es, scope, subject).documents for one in found.faces]
    chosen = frozenset(one.key for one in every if one.position == position)
    if {key for key, _ in chosen} != subject.documents:
        most = max((one.of for one in every), default=0)
        fail(f"no face {position} in each of its documents: they have {most}", 2)
    return Subject(faces=chosen)


def _lift(es: Elasticsearch, file: Path, as_json: bool) -> None:
    hashes = existing(es)
    sha256 = sha256_of(file)
    lifted = Forgotten(es, hashes).lift([hashes.of_photo(sha256)]) if hashes else 0
    if as_json:
        print_json({"lifted": lifted})
    else:
        out.print(
            f"{counted(lifted, 'record')} lifted: `faces index` stores this photo again"
            if lifted
            else "not forgotten"
        )
    raise typer.Exit(0 if lifted else 1)


def _nothing(es: Elasticsearch, scope: Scope, subject: Subject, run: Run | None, as_json: bool) -> None:
    """Ends the command where nothing is found: well if that was forgotten before."""
    if run is None:
        if subject.name:
            find_person(es, subject.name, None, [scope.where])
        fail(f"nothing found in {', '.join(f'[{index}]' for index in scope.indices)}")
    if as_json:
        print_json({"found": [], "forgotten": run.started})
    else:
        out.print(f"forgotten already, in a run of {run.started[:16]}; nothing of it is left")


def _confirmed(
    similar: list[SimilarFace], also: list[str], least: float | None, ask: bool, quiet: bool
) -> list[SimilarFace]:
    """The unnamed faces that somebody says are the person, too."""
    known = {one.face.id for one in similar}
    if unknown := sorted(set(also) - known):
        fail(f"not among the unnamed faces like this person: {', '.join(f'[{one}]' for one in unknown)}", 2)
    chosen = [
        one for one in similar if one.face.id in also or (least is not None and one.similarity >= least)
    ]
    if similar and not quiet:
        print_similar(similar, chosen)
        if ask and not also and least is None:
            return _asked(similar)
        if len(chosen) < len(similar):
            say("those that stay: --also ID, or --include-similar SIMILARITY, forgets them too")
    return chosen


def _asked(similar: list[SimilarFace]) -> list[SimilarFace]:
    while True:
        answer = typer.prompt("Which of them go too? Numbers such as 1,3; all; none", default="none")
        words = [word.strip() for word in str(answer).split(",") if word.strip()]
        if words == ["all"]:
            return similar
        if words == ["none"]:
            return []
        if all(word.isdecimal() and 1 <= int(word) <= len(similar) for word in words):
            return [similar[int(word) - 1] for word in words]


def _run(forgetting: Forgetting, findings: Findings, wait: float | None) -> None:
    """
    Args:
        wait: seconds for the leases; None: the segments stay as they are.
    """
    forgetting.begin(findings)
    for _ in tracked(forgetting.remove(findings), len(findings.documents), "forgetting"):
        pass
    forgetting.blank_journal()
    if wait is not None:
        say("rewriting the segments; Elasticsearch lets go of them about 30 s after the last change")
        for _ in tracked(forgetting.expunge(wait), len(forgetting.run.indices), "expunging"):
            pass
    forgetting.prove()
    forgetting.finish()
