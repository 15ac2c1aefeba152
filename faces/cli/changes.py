"""What commands print that change documents: what became of each, and a last line that counts it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import typer

from es_setup.shipped_files import ARCHIVE, GALLERY, PROBES
from faces.cli.output import counted, err, out, print_json, say
from faces.decisions.changing import Changed
from faces.decisions.entries import Operation
from faces.decisions.state import State
from faces.names import all_names

ARCHIVES = f"{ARCHIVE},{PROBES}"
"""Where photos are whose faces are named."""
EVERYWHERE = f"{ARCHIVES},{GALLERY}"
AGAIN = "a portrait in the gallery changed: `faces identify --all` names older photos anew"


@dataclass
class Changes:
    """What became of the documents of one operation.

    also: further problems, each with its text; they count as failed.
    notes: what somebody should know; they don't.
    """

    operation: Operation
    dry_run: bool
    changed: list[Changed] = field(default_factory=list)
    unchanged: int = 0
    failed: list[Changed] = field(default_factory=list)
    also: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def collect(self, results: Iterable[Changed]) -> Changes:
        for one in results:
            self.add(one)
        return self

    def add(self, one: Changed) -> None:
        if one.outcome == "changed":
            self.changed.append(one)
        elif one.outcome == "unchanged":
            self.unchanged += 1
        else:
            self.failed.append(one)
            err.print(f"{one.path or one.id}: not changed: {one.reason}")

    def problem(self, text: str) -> None:
        self.also.append(text)
        err.print(text)

    def note(self, text: str) -> None:
        self.notes.append(text)
        err.print(f"note: {text}")

    @property
    def portraits_changed(self) -> bool:
        """Whether a name in a gallery changed, by which `identify` names others."""
        return any(one.is_portrait for one in self.changed)

    @property
    def has_failed(self) -> bool:
        return bool(self.failed or self.also)

    def finish(self, what: str, as_json: bool, **more: Any) -> None:
        """Prints the counts, and ends with status 1 if something wasn't changed.

        Args:
            what: was done, as a participle such as ``labelled``.
            more: further facts for JSON.
        """
        if as_json:
            print_json({**self._as_json(), **more})
        else:
            if self.dry_run:
                for one in self.changed:
                    _print_change(one)
            faces = sum(one.faces for one in self.changed)
            would = "would be " if self.dry_run else ""
            failed = len(self.failed) + len(self.also)
            out.print(
                f"{counted(faces, 'face')} {would}{what} in {counted(len(self.changed), 'document')}, "
                f"{self.unchanged} unchanged, {failed} failed"
            )
        if self.dry_run:
            say("dry run: nothing was changed")
        elif self.portraits_changed:
            say(f"hint: {AGAIN}")
        if self.has_failed:
            raise typer.Exit(1)

    def _as_json(self) -> dict[str, Any]:
        return {
            "operation": None if self.dry_run else self.operation.id,
            "dry_run": self.dry_run,
            "faces": sum(one.faces for one in self.changed),
            "changed": [_as_json(one) for one in self.changed],
            "unchanged": self.unchanged,
            "failed": [{**_named(one), "reason": one.reason} for one in self.failed],
            "problems": self.also,
            "notes": self.notes,
        }


def words(state: State) -> str:
    """What people said about a face or a document, such as ``Ann; not Ben; ignored``."""
    said = [", ".join(all_names(state.get(key))) for key in ("label", "name") if state.get(key)]
    said += [f"not {name}" for name in state.get("not", [])]
    said += [flag for flag in ("ignored", "drawn") if state.get(flag)]
    said += [f"group {state['group']}"] if state.get("group") else []
    said += ["told apart"] if state.get("apart") else []
    if guess := state.get("guess"):
        said.append(f"guess: {guess.get('match') or ', '.join(all_names(guess.get('candidates')))}")
    said += [f"tags: {', '.join(state['tags'])}"] if state.get("tags") else []
    # Of a line about a whole index, such as that of `faces forget`.
    said += [f"{state[count]} {count}" for count in ("deleted", "changed", "faces") if count in state]
    said += [f"waiting: {words(one)}" for one in state.get("unplaced", [])]
    return "; ".join(said) or "-"


def _print_change(one: Changed) -> None:
    for decision in one.decisions:
        which = f" face {decision.face}" if decision.face is not None else ""
        out.print(f"{one.path or one.id}{which}: {words(decision.before)} → {words(decision.after)}")


def _as_json(one: Changed) -> dict[str, Any]:
    faces = [
        {"face": decision.face, "before": decision.before, "after": decision.after}
        for decision in one.decisions
    ]
    return {**_named(one), "decisions": faces}


def _named(one: Changed) -> dict[str, Any]:
    return {"index": one.index, "id": one.id, "path": one.path or None}
