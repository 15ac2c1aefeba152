"""What `faces forget` prints: what it found, what it did, and what it can't reach."""

from __future__ import annotations

from typing import Any

from faces.cli.output import counted, out, print_json, say
from faces.erasure.finding import Findings
from faces.erasure.forgetting import Forgetting
from faces.erasure.forgotten import Run
from faces.erasure.similar import SimilarFace
from faces.erasure.unreachable import Unreachable
from faces.shown.terminal import table


def print_found(findings: Findings, entries: int, unfinished: Run | None) -> None:
    if unfinished:
        say(f"a run of {unfinished.started[:16]} isn't finished: going on")
    if findings.documents:
        found = table("goes", "index", "photo", "faces", "id", "names it in")
        for one in findings.documents:
            faces = f"{len(one.faces)} of {one.faces[0].of}" if one.faces else "-"
            names = ", ".join(one.treatment.names) or "-"
            found.add_row(one.what, one.index, one.path, faces, one.document, names)
        out.print(found)
    if entries:
        of = "1 entry" if entries == 1 else f"{entries:,} entries"
        out.print(f"names in {of} of the journal")


def print_similar(similar: list[SimilarFace], chosen: list[SimilarFace]) -> None:
    found = table("", "index", "photo", "face", "id", "similarity", "verdict", "")
    for number, one in enumerate(similar, start=1):
        found.add_row(
            str(number),
            one.face.index,
            one.face.path,
            f"{one.face.position} of {one.face.of}",
            one.face.id,
            f"{one.similarity:.3f}",
            one.verdict,
            "goes too" if one in chosen else "stays",
        )
    out.print("unnamed faces like this person, to be confirmed:")
    out.print(found)


def what_goes(findings: Findings) -> str:
    documents = sum(one.treatment.delete for one in findings.documents)
    blanked = [one for one in findings.documents if one.what == "face"]
    names = sum(one.what == "name" for one in findings.documents)
    faces = sum(len(one.faces) for one in blanked)
    return f"documents: {documents}; faces in photos of several: {faces}; names in other documents: {names}"


def print_dry_run(report: dict[str, Any], findings: Findings, as_json: bool) -> None:
    if as_json:
        print_json({"dry_run": True, **report})
        return
    say("dry run: nothing was changed")
    out.print(f"would go: {what_goes(findings)}")


def print_report(
    forgetting: Forgetting,
    report: dict[str, Any],
    beyond: list[Unreachable],
    named: dict[str, int | None],
    no_expunge: bool,
    as_json: bool,
) -> None:
    if as_json:
        print_json(
            {
                **report,
                "operation": forgetting.run.operation,
                "indices": forgetting.counts(),
                "failed": [{**one.found.as_json(), "reason": one.problem} for one in forgetting.problems],
                "expunged": [one.as_json() for one in forgetting.expunged],
                "proof": [one.as_json() for one in forgetting.checks],
                "proved": forgetting.is_proved,
                "still_named_in": named,
                "not_reached": [one.as_json() for one in beyond],
            }
        )
        return
    for problem in forgetting.problems:
        out.print(f"[{problem.found.document}] of [{problem.found.index}] is still there: {problem.problem}")
    proof = table("proof", "", "found")
    for check in forgetting.checks:
        proof.add_row(f"by {check.how}", check.what, str(check.found))
    out.print(proof)
    for one in forgetting.expunged:
        if one.problem:
            out.print(
                f"[{one.index}] has {counted(one.left, 'deleted document')} in its segments: {one.problem}"
            )
    if no_expunge:
        out.print("the segments still have what was deleted: run this again without --no-expunge")
    for index, count in named.items():
        where = "not known: not all fields can be searched" if count is None else counted(count, "document")
        out.print(f"the name in a path or a field of your own: [{index}], {where}")
    for beyond_ in beyond:
        out.print(f"not reached: {beyond_.where}: {beyond_.what}")
    counts = forgetting.counts().values()
    deleted, changed, gone = (sum(one[what] for one in counts) for what in ("deleted", "changed", "faces"))
    out.print(
        f"deleted documents: {deleted}; changed: {changed}; faces gone: {gone}; blanked entries of the "
        f"journal: {forgetting.run.entries}; operation {forgetting.run.operation}"
    )
