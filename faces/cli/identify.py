"""The command `faces identify`."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from elasticsearch import BadRequestError, Elasticsearch

from es_setup.connection import Connection, innermost_reason
from es_setup.shipped_files import GALLERY, PROBES
from faces.calibration.indices import Shared
from faces.cli.options import DryRun, JsonFlag, connected
from faces.cli.output import chance, counted, err, explained, fail, out, print_json, say, tracked, verdicts
from faces.cli.servers import stopped_by_signals
from faces.identifying.identifier import CANDIDATES, Candidate, Lookup, lookup_of
from faces.identifying.photo import UNKNOWN, IdentifiedFace, IdentifiedPhoto, identify_photo, shown_name
from faces.identifying.stored import identify_stored, stored_faces
from faces.photo_faces import read_photo
from faces.searchable import Searchable, searchable
from faces.searching import judged_as_json
from faces.shown.terminal import table


@connected
def identify(
    connection: Connection,
    photo: Annotated[Path | None, typer.Argument(exists=True, dir_okay=False, help="a photo")] = None,
    face: Annotated[
        int | None,
        typer.Option(min=0, help="which face: its position, largest first, from 0; default: all"),
    ] = None,
    k: Annotated[
        int | None,
        typer.Option("-k", min=1, max=100, help=f"candidates of a face; default: {CANDIDATES}"),
    ] = None,
    gallery: Annotated[
        str | None,
        typer.Option(help=f"index or alias of portraits; default: the pipeline's with --all, else {GALLERY}"),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="in place of PHOTO: identify the faces that are stored anew")
    ] = False,
    index: Annotated[str, typer.Option(help="with --all: index or alias with faces")] = PROBES,
    since: Annotated[
        str | None,
        typer.Option(help="with --all: only photos from this date on, such as 2026-11-01 or now-7d"),
    ] = None,
    dry_run: DryRun = False,
    as_json: JsonFlag = False,
) -> None:
    """Say who is on a photo, by the gallery; `unknown` is an answer. Nothing is stored. With --all: look for
    the people of the gallery among the faces that are stored, after somebody was enrolled or renamed; what
    people decided stays. Needs the service or the plugin for a PHOTO, Elasticsearch alone for --all.
    """
    if everything == (photo is not None):
        fail("name either a PHOTO or --all", status=2)
    if everything and face is not None:
        fail("--face chooses a face of PHOTO: it doesn't go with --all", status=2)
    if not everything and (since is not None or dry_run):
        fail("--since and --dry-run go with --all: a PHOTO is never stored", status=2)
    with explained(), stopped_by_signals():
        es = connection.elasticsearch()
        if photo is None:
            _identify_all(es, index, gallery, k, since, dry_run, as_json)
            return
        lookup = Lookup(gallery or GALLERY, k or CANDIDATES)
        found = identify_photo(connection, es, read_photo(photo), lookup, face)
    if as_json:
        print_json(
            {
                "photo": str(photo),
                "gallery": lookup.gallery,
                **judged_as_json(found.judged),
                **found.as_json(),
            }
        )
        return
    _print(found, lookup.gallery)


def _identify_all(
    es: Elasticsearch,
    index: str,
    gallery: str | None,
    k: int | None,
    since: str | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    where = searchable(es, index)
    lookup = lookup_of(es, where, gallery)
    lookup = replace(lookup, k=k) if k else lookup
    total = _stored(es, where, since)
    counts, faces, failed = Counter[str](), 0, []
    try:
        for one in tracked(identify_stored(es, where, lookup, since, dry_run), total, "identifying"):
            counts[one.outcome] += 1
            faces += one.faces if one.outcome == "changed" else 0
            if one.outcome == "failed":
                failed.append({"index": one.index, "id": one.id, "reason": one.reason})
                err.print(f"{one.path or one.id}: not changed: {one.reason}")
    except KeyboardInterrupt:
        done = sum(counts.values())
        say(f"stopped after {counted(done, 'photo')} of {total:,}: run this again for the rest")
        raise
    answer = {outcome: counts[outcome] for outcome in ("changed", "unchanged")}
    if as_json:
        print_json(
            {"gallery": lookup.gallery, "dry_run": dry_run, **answer, "faces": faces, "failed": failed}
        )
    else:
        would = "would be " if dry_run else ""
        out.print(
            f"{counted(answer['changed'], 'photo')} {would}changed ({counted(faces, 'face')}), "
            f"{answer['unchanged']} unchanged, "
            f"{len(failed)} failed; searched [{lookup.gallery}]"
        )
    if dry_run:
        say("dry run: nothing was changed")
    if failed:
        raise typer.Exit(1)


def _stored(es: Elasticsearch, where: Searchable, since: str | None) -> int:
    """How many documents have faces to identify."""
    try:
        return int(es.count(index=where.name, query=stored_faces(where, since))["count"])
    except BadRequestError as error:
        if since is None:
            raise
        fail(
            f"--since takes a date, such as 2026-11-01, or a time before now, such as now-7d, and not "
            f"[{since}]: {innermost_reason(error)}",
            status=2,
        )


def _print(found: IdentifiedPhoto, gallery: str) -> None:
    calibrated = any(one.probability is not None for face in found.faces for one in face.candidates)
    chances = ["probability"] if calibrated else []
    rows = table("face", "who", "candidate", "similarity", "verdict", *chances, "tags")
    for face in found.faces:
        which = (f"{face.position} of {face.of}", face.answer)
        if not face.candidates:
            rows.add_row(*which, "-", "-", "-", *(["-"] if calibrated else []), "-")
        for candidate in face.candidates:
            rows.add_row(*which, *_candidate(candidate, found.judged, calibrated))
            which = ("", "")
    out.print(rows if found.faces else "no face found")
    if not found.portraits:
        out.print(f"note: nobody is enrolled in [{gallery}]: `faces enroll PHOTO --name NAME` adds somebody")
    if calibrated or found.judged.problem:
        out.print(f"verdicts: {verdicts(found.judged)}")
    out.print(_sentence(found.faces, found.portraits, gallery))


def _candidate(candidate: Candidate, judged: Shared, calibrated: bool) -> list[str]:
    probability = "-" if candidate.probability is None else chance(candidate.probability)
    return [
        shown_name(candidate),
        f"{candidate.similarity:.3f}",
        judged.thresholds.verdict(candidate.similarity),
        *([probability] if calibrated else []),
        ", ".join(candidate.tags) or "-",
    ]


def _sentence(faces: tuple[IdentifiedFace, ...], portraits: int, gallery: str) -> str:
    known = [face.answer for face in faces if face.match]
    unknown = len(faces) - len(known)
    names = ", ".join(known) if known else "nobody"
    return f"{names} recognised, {unknown} {UNKNOWN}, among {counted(portraits, 'portrait')} in [{gallery}]"
