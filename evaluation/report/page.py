"""The page: its sections, and those about promises and about the run itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from evaluation.report.findings import Findings
from evaluation.report.method_sections import curves, methods, portraits, similarities
from evaluation.report.photo_sections import failures, mistakes, people, query
from evaluation.task import IN_SAMPLE
from faces.reports.html_page import Block, Command, Page, Section, Table, Text


def write(findings: Findings, folder: Path) -> None:
    """Makes ``report.html``, ``report.md`` and ``report-pictures/`` in ``folder``.

    Raises:
        OSError: they can't be written.
    """
    page(findings).write(folder, "report")


def page(findings: Findings) -> Page:
    task = findings.task
    rule = (
        "A photo without a face is an error and never left out: its pairs are wrong at every threshold, "
        "and a search with it, or for it, misses. If its person isn't enrolled, it is no search. "
        "Intervals are of 95 %, from a bootstrap over people."
    )
    introduction = (
        Text(f"{task.folder.root}: {task.summary}."),
        *([Text(IN_SAMPLE)] if task.sample else []),
        Text(rule),
    )
    sections = (
        Section("Promises", tuple(_promises(findings))),
        Section("Methods side by side", tuple(methods(findings))),
        Section("Several portraits of a person", tuple(portraits(findings))),
        Section("Errors at every threshold", tuple(curves(findings))),
        Section("Similarities", tuple(similarities(findings))),
        Section("The report's query", tuple(query(findings))),
        Section("Worst mistakes", tuple(mistakes(findings))),
        Section("No face found", tuple(failures(findings))),
        Section("People", tuple(people(findings))),
        Section("How this was made", tuple(_made(findings))),
    )
    return Page("How good are the vectors?", introduction, sections)


def _promises(findings: Findings) -> Iterator[Block]:
    if not findings.bars:
        yield Text("None: promises are about the sample faces and LFW's own folds.")
        return
    broken = sum(not bar.passed for bar in findings.bars)
    yield Text(f"{len(findings.bars)} promises, {broken} not kept.")
    rows = tuple((bar.verdict, bar.promise, bar.measurement, bar.bound) for bar in findings.bars)
    yield Table(("", "promise", "measured", "limit"), rows, text=2)


def _made(findings: Findings) -> Iterator[Block]:
    yield Command(findings.command)
    made = findings.made.isoformat(timespec="minutes")
    facts = {"made": made, "model": findings.model_id, **findings.versions}
    yield Table(("what", "which"), tuple(facts.items()), text=2)
