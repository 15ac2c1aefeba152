"""What `faces index --prune` does after photos were indexed: documents go whose photo is gone."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from elasticsearch import Elasticsearch

from faces.cli.changes import words
from faces.cli.output import counted, err, fail, out, print_json, say, tracked
from faces.decisions.documents import Key
from faces.decisions.journal import Journal
from faces.photo_folders.reading import read_folder
from faces.photos import PhotoFile
from faces.pruning.leaving import leave
from faces.pruning.missing import Kept, Missing, Pruning, Search, Why
from faces.pruning.moved import keep_moved
from faces.pruning.removing import Removed, remove
from faces.pruning.said import Said
from faces.pruning.source_folder import SourceFolder
from faces.searchable import searchable
from faces.shown.printable import printable

EXAMPLES = 20
REASONS: dict[Why, str] = {
    "said": "people said something in them: --prune-named deletes them too",
    "unreadable": "it can't be seen whether their photos are there",
    "empty_folder": "their folder is empty, as where a share isn't mounted: --prune-all deletes them",
    "elsewhere": "their photo was also indexed at another place: they go by --prune there",
    "other_address": "their address isn't below --url-prefix",
    "moved": "the folder has their photo under another path, which `faces index` writes into them",
}


@dataclass(frozen=True)
class Prune:
    """What may go, and of what.

    root: the folder that was indexed, or that a list's paths are relative to.
    named: also documents in which people said something.
    everything: also if more than half would go, and what was in folders that are empty.
    """

    index: str
    root: Path
    url_prefix: str | None
    labels: bool
    named: bool
    everything: bool
    yes: bool
    dry_run: bool
    as_json: bool

    def check(self) -> None:
        """Refuses, with status 2, what would have to ask and can't. Before anything is done."""
        if self.yes or self.dry_run:
            return
        if self.as_json:
            fail("--json asks nothing: give --yes, or --dry-run to see what would be deleted", status=2)
        if not sys.stdin.isatty():
            fail("--prune asks before it deletes: without a terminal give --yes, or --dry-run", status=2)

    def run_alone(self, es: Elasticsearch) -> None:
        """Without indexing before. Ends with status 1 if not all is gone that was to go."""
        if not self.root.is_dir():
            fail(f"there is no folder [{printable(str(self.root))}]", status=2)
        result, is_done = self.run(es, (), read_folder(self.root, include_all=True).photos)
        if self.as_json:
            print_json(result)
        if not is_done:
            raise typer.Exit(1)

    def run(
        self, es: Elasticsearch, seen: Collection[Key], photos: Iterable[PhotoFile]
    ) -> tuple[dict[str, Any], bool]:
        """Shows what would go, asks, and deletes it.

        Args:
            seen: keys of the documents whose photo was just found.
            photos: those of the folder; none of a list.

        Returns:
            what JSON says, and whether all that was to go is gone.
        """
        search = Search(
            es,
            searchable(es, self.index),
            SourceFolder(self.root),
            seen,
            self.url_prefix,
            self.labels,
            self.everything,
            self.named,
        )
        found = search.run()
        keep_moved(found, photos)
        if not self.as_json:
            _show(found, self.root)
        if found.is_suspicious and not self.everything and found.missing:
            return self._refused(found)
        if self.dry_run:
            went = f"would delete {counted(len(found.missing), 'document')}"
            return self._finished(found, Counter(), went), True
        question = f"delete {counted(len(found.missing), 'document')}, with all faces in them?"
        if found.missing and not self.yes and not typer.confirm(question, err=True):
            fail("nothing was deleted")
        leave(es, search.where, SourceFolder(self.root), found.kept)
        if not found.missing:
            return self._finished(found, Counter(), counted(0, "document")), True
        return self._delete(es, found)

    def _delete(self, es: Elasticsearch, found: Pruning) -> tuple[dict[str, Any], bool]:
        journal = Journal(es)
        about = [self.index, str(self.root.resolve()), str(self.url_prefix), str(self.named)]
        operation = journal.begin("prune", [*about, str(self.everything)])
        results: Counter[str] = Counter()
        removing = remove(es, journal, operation, SourceFolder(self.root), found.missing)
        for removed in tracked(removing, len(found.missing), "deleting"):
            results[removed.outcome] += 1
            _tell(removed)
        journal.finish(operation)
        done = not (results["changed"] or results["refused"])
        return self._finished(found, results, counted(results["deleted"], "document")), done

    def _refused(self, found: Pruning) -> tuple[dict[str, Any], bool]:
        problem = (
            f"{found.lost} of {counted(found.documents, 'document')} of {self.root} have lost their photo: "
            "is all of it mounted? Nothing was deleted; --prune-all deletes that many"
        )
        if not self.as_json:
            err.print(f"error: {problem}")
        return {**self._finished(found, Counter(), "0 documents"), "problem": problem}, False

    def _finished(self, found: Pruning, results: Counter[str], went: str) -> dict[str, Any]:
        """Prints the last line, and returns what JSON says."""
        stay = len(found.kept) + results["back"] + results["changed"] + results["refused"]
        if not self.as_json:
            out.print(f"{went}{'' if self.dry_run else ' deleted'}, {stay} kept")
        return {
            **({"dry_run": True} if self.dry_run else {}),
            **{outcome: results[outcome] for outcome in ("deleted", "back", "changed", "refused")},
            "documents": found.documents,
            "gone": [_as_json(one, one.said) for one in found.missing],
            "kept": [{**_as_json(one, one.said), "why": one.why} for one in found.kept],
            "untold": found.untold,
        }


def _show(found: Pruning, root: Path) -> None:
    """What would go, what stays and why."""
    named = sum(one.said.is_named for one in found.missing)
    for one in found.missing[:EXAMPLES]:
        out.print(f"gone: {one.path}{_in_brackets(one.said)}")
    if len(found.missing) > EXAMPLES:
        out.print(f"gone: … and {len(found.missing) - EXAMPLES:,} more, which --dry-run --json lists")
    said = [one for one in found.kept if one.said]
    for kept in said[:EXAMPLES]:
        out.print(f"kept: {kept.path}{_in_brackets(kept.said)}")
    for why, number in Counter(one.why for one in found.kept).items():
        say(f"kept: {counted(number, 'document')}, as {REASONS[why]}")
    if found.untold:
        say(
            f"not looked at: {counted(found.untold, 'document')} that `faces index` didn't send, whose path "
            "doesn't say in which folder it is"
        )
    of = f"{len(found.missing):,} of {counted(found.documents, 'document')} of {root}"
    say(f"gone: {of}{f', {named} of them named' if named else ''}")


def _in_brackets(said: Said | None) -> str:
    if not said:
        return ""
    parts = [words(state) for state in said.states.values()]
    return f" ({'; '.join([*dict.fromkeys(parts), *said.own])})"


def _tell(removed: Removed) -> None:
    path = removed.missing.path
    if removed.outcome == "changed":
        err.print(f"{path}: kept, as somebody changed it meanwhile")
    elif removed.outcome == "back":
        err.print(f"{path}: kept, as its photo is back")
    elif removed.outcome == "refused":
        err.print(f"{path}: {removed.reason}")


def _as_json(one: Missing | Kept, said: Said | None) -> dict[str, Any]:
    described: dict[str, Any] = {"index": one.key[0], "id": one.key[1], "path": one.path}
    if said:
        faces = {face: state for face, state in said.states.items() if face is not None}
        described["said"] = {**said.states.get(None, {}), "faces": faces, "own_fields": list(said.own)}
    return described
