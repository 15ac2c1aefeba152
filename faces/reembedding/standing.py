"""The runs that aren't over, for those who only look: how far each is, and which command goes on."""

from __future__ import annotations

import time
from contextlib import suppress
from dataclasses import dataclass
from shlex import quote

from elasticsearch import AuthorizationException, Elasticsearch

from es_setup.connection import without_password
from es_setup.other_models import profile_of
from es_setup.shipped_files import ALIASES, JOURNAL
from faces.pages import every_hit
from faces.reembedding.moving import has_moved
from faces.reembedding.run import REEMBED, Run


@dataclass(frozen=True)
class Standing:
    """One run, as it stands.

    by_default: whether it is of our own indices together, which the command takes without `--index`.
    is_held: whether a command works on it, or was killed a moment ago.
    has_moved: whether the names lead to the new indices.
    copied: documents that are in the new indices; documents: in the old ones.
    """

    run: Run
    by_default: bool
    is_held: bool
    has_moved: bool
    copied: int
    documents: int

    @property
    def is_settled(self) -> bool:
        """Whether only the old indices are left."""
        return self.run.state == "settled"

    @property
    def onward(self) -> str:
        """The command that goes on with what isn't settled."""
        if self.run.back:
            return self._command("--rollback")
        profile, url = profile_of(self.run.model), without_password(self.run.url)
        return self._command(f"--profile {quote(profile)} --to-url {quote(url)}")

    @property
    def back(self) -> str:
        """The command that takes it back, or gives it up where nothing has moved."""
        return self._command("--rollback")

    @property
    def finish(self) -> str:
        """The command that deletes the old indices."""
        return self._command("--finish")

    def _command(self, options: str) -> str:
        where = "" if self.by_default else f" --index {quote(self.run.name)}"
        return f"faces reembed {options}{where}"


def standing_runs(es: Elasticsearch) -> list[Standing]:
    """Those whose old indices aren't deleted yet, the earliest first."""
    if not es.indices.exists_alias(name=JOURNAL):
        return []
    with suppress(AuthorizationException):
        es.indices.refresh(index=JOURNAL)
    ours = ",".join(sorted(alias for alias in ALIASES if es.indices.exists(index=alias)))
    found = []
    for hit in every_hit(es, JOURNAL, {"term": {"event.action": REEMBED}}):
        if stored := hit["_source"].get("run"):
            run = Run.of(stored)
            is_held = hit["_source"]["lease"]["until"] > time.time()
            found.append(
                Standing(
                    run,
                    run.name == ours,
                    is_held,
                    run.state != "copying" or has_moved(es, run),
                    _documents(es, run.targets),
                    _documents(es, run.sources),
                )
            )
    return sorted(found, key=lambda one: one.run.since)


def _documents(es: Elasticsearch, indices: list[str]) -> int:
    """In those of the indices that are there, and open."""
    return int(es.count(index=",".join(indices), ignore_unavailable=True)["count"]) if indices else 0
