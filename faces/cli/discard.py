"""The command `faces discard`."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from es_setup.connection import Connection
from faces.cli.index_report import listed
from faces.cli.options import IndexOption, JsonFlag, connected_to_elasticsearch
from faces.cli.output import counted, err, explained, fail, out, print_json, say, tracked
from faces.cli.retry import CodeOption, without
from faces.cli.servers import stopped_by_signals
from faces.decisions.journal import Journal
from faces.indexing.discarding import Discarded, Failed, discard, failed_documents, may_go
from faces.indexing.failed_documents import FailedDocuments
from faces.indexing.trying_again import WORTH_ANOTHER_TRY
from faces.searchable import searchable

EXAMPLES = 3


@dataclass
class _Plan:
    """Documents that would go and that would be kept, by code; some of the first, all of the second."""

    going: Counter[str] = field(default_factory=Counter)
    examples: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    kept: Counter[str] = field(default_factory=Counter)
    said: list[dict[str, Any]] = field(default_factory=list)

    def add(self, failed: Failed, with_decisions: bool) -> None:
        if failed.said:
            self.said.append(_described(failed))
        if not may_go(failed, with_decisions):
            self.kept[failed.code] += 1
            return
        self.going[failed.code] += 1
        if self.going[failed.code] <= EXAMPLES:
            self.examples[failed.code].append(failed.document.path)


@connected_to_elasticsearch
def discard_command(
    connection: Connection,
    index: IndexOption = "faces",
    code: CodeOption = None,
    key: Annotated[
        list[str] | None,
        typer.Option("--id", metavar="ID", help="only this document; may be given several times"),
    ] = None,
    with_decisions: Annotated[
        bool, typer.Option("--with-decisions", help="also documents about which people said something")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", help="don't ask")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show what would be deleted")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Delete documents whose photo failed and isn't worth another try, and its photo. Documents about which
    people said something (names, tags) are kept. Needs Elasticsearch alone.
    """
    with explained(), stopped_by_signals():
        es = connection.elasticsearch()
        where = searchable(es, index)
        FailedDocuments(es, where).require_known(code or ())
        every = FailedDocuments(es, where, ids=key).by_code()
        codes = set(code or (every if key else set(every) - WORTH_ANOTHER_TRY))
        others = without(every, codes)
        wanted = FailedDocuments(es, where, codes, key)
        plan = _Plan()
        # Without a code none is wanted, and a query without one would find every error.
        for failed in failed_documents(wanted) if codes else ():
            plan.add(failed, with_decisions)
        if not as_json:
            _show(plan, others, with_decisions)
        number = plan.going.total()
        if key and not (number or plan.kept):
            fail(f"no document of [{index}] with an error has the id {', '.join(f'[{one}]' for one in key)}")
        if dry_run or not number:
            _print_plan(plan, dry_run, as_json)
            return
        if not yes and not typer.confirm(
            f"delete {counted(number, 'document')}, with the photos in them?", err=True
        ):
            fail("nothing was deleted")
        results: Counter[str] = Counter()
        operation = Journal(es).begin("discard", [index, *sorted(codes), *(key or []), str(with_decisions)])
        for discarded in tracked(discard(wanted, operation, with_decisions), number, "deleting"):
            results[discarded.outcome] += 1
            _tell(discarded)
        Journal(es).finish(operation)
        _print(results, plan, as_json)
    if results["changed"] or results["refused"]:
        raise typer.Exit(1)


def _show(plan: _Plan, others: dict[str, int], with_decisions: bool) -> None:
    """What would go, and what is kept."""
    for code, number in plan.going.most_common():
        more = ", …" if number > EXAMPLES else ""
        out.print(f"{number} {code}: {', '.join(plan.examples[code])}{more}")
    for one in plan.said:
        out.print(f"{'with what people said' if with_decisions else 'kept'}: {one['path']} ({_words(one)})")
    if plan.said and not with_decisions:
        say("people said something about these: --with-decisions deletes them too")
    if others:
        say(f"not looked at: {listed(others)} (`faces retry` tries them again, --code CODE deletes them)")


def _tell(discarded: Discarded) -> None:
    path = discarded.failed.document.path
    if discarded.outcome == "changed":
        err.print(f"{path}: kept, as somebody changed it meanwhile")
    elif discarded.outcome == "refused":
        err.print(f"{path}: {discarded.reason}")


def _print(results: Counter[str], plan: _Plan, as_json: bool) -> None:
    if as_json:
        counts = {name: results[name] for name in ("discarded", "kept", "changed", "refused")}
        print_json({**counts, "by_code": dict(plan.going), "said": plan.said})
        return
    more = f", {results['changed']} changed meanwhile" if results["changed"] else ""
    out.print(f"{counted(results['discarded'], 'document')} deleted, {results['kept']} kept{more}")


def _print_plan(plan: _Plan, dry_run: bool, as_json: bool) -> None:
    """Nothing is deleted: because nothing was to be, or because it is a dry run."""
    kept = plan.kept.total()
    if as_json:
        dry: dict[str, Any] = {"dry_run": True} if dry_run else {"discarded": 0}
        print_json({**dry, "kept": kept, "by_code": dict(plan.going), "said": plan.said})
        return
    would = f"would delete {counted(plan.going.total(), 'document')}" if dry_run else "0 documents deleted"
    out.print(f"{would}, {kept} kept")


def _described(failed: Failed) -> dict[str, Any]:
    document = failed.document
    return {"index": document.index, "id": document.id, "path": document.path, "code": failed.code} | {
        "said": failed.said
    }


def _words(described: dict[str, Any]) -> str:
    said = described["said"]
    waiting = (
        [f"waiting for a photo: {counted(len(said['unplaced']), 'face')}"] if said.get("unplaced") else []
    )
    names = said.get("name") or []
    return ", ".join([*([names] if isinstance(names, str) else names), *said.get("tags", []), *waiting])
