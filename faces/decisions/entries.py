"""Entries of the journal: what one operation changed in one face or document."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any, Literal, cast

from faces.decisions.state import State, names_in

Action = Literal[
    "label",
    "unlabel",
    "not",
    "ignore",
    "unignore",
    "add-face",
    "split",
    "rename",
    "merge",
    "tag",
    "untag",
    "enroll",
    "remove",
    "discard",
    "prune",
    "forget",
    "undo",
]
EVERYWHERE = "*"
"""The document of an entry that is about all of an index, or about a document that was forgotten."""
HEAD = {"includes": ["@timestamp", "operation", "event", "user", "undoes"]}
"""What `operation_of` needs of an entry."""


@dataclass(frozen=True)
class Operation:
    """One run of a command.

    at: when it began, as ISO 8601 in UTC.
    undoes: the id of the operation that it undoes.
    digest: of the command's arguments, by which the same command continues one that was killed.
    """

    id: str
    action: Action
    user: str
    at: str
    undoes: str | None = None
    digest: str | None = None


@dataclass(frozen=True)
class Decision:
    """What one operation changed in one face; in the document itself, if ``face`` is None.

    face: the face's id.
    before, after: what people said, by `faces.decisions.documents.Document.state`.
    """

    operation: Operation
    index: str
    document: str
    face: str | None
    before: State
    after: State

    @property
    def id(self) -> str:
        """Always the same for the same change, so that a second try overwrites the entry of the first."""
        parts = (self.operation.id, self.index, self.document, self.face or "")
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    @property
    def names(self) -> list[str]:
        """Every person's name in it."""
        return sorted(names_in(self.before) | names_in(self.after))


@dataclass(frozen=True)
class Recorded:
    """An operation as the journal has it.

    decisions: number of entries; documents: about how many documents they are in.
    undone: whether another operation has undone it.
    """

    operation: Operation
    decisions: int
    documents: int
    undone: bool


def head_of(operation: Operation) -> dict[str, Any]:
    digest = {"digest": operation.digest} if operation.digest else {}
    return {
        "@timestamp": operation.at,
        "operation": {"id": operation.id, **digest},
        "event": {"action": operation.action},
        "user": {"name": operation.user},
        **({"undoes": operation.undoes} if operation.undoes else {}),
    }


def entry_of(decision: Decision) -> dict[str, Any]:
    return {
        **head_of(decision.operation),
        "document": {"index": decision.index, "id": decision.document},
        **({"face": {"id": decision.face}} if decision.face is not None else {}),
        "before": decision.before,
        "after": decision.after,
        "names": decision.names,
    }


def operation_of(entry: dict[str, Any]) -> Operation:
    return Operation(
        id=entry["operation"]["id"],
        action=cast("Action", entry["event"]["action"]),
        user=entry["user"]["name"],
        at=entry["@timestamp"],
        undoes=entry.get("undoes"),
        digest=entry["operation"].get("digest"),
    )


def decision_of(entry: dict[str, Any]) -> Decision:
    """As it was before `entry_of`."""
    return Decision(
        operation_of(entry),
        entry["document"]["index"],
        entry["document"]["id"],
        entry.get("face", {}).get("id"),
        cast("State", entry.get("before", {})),
        cast("State", entry.get("after", {})),
    )
