"""What `faces reembed` began and didn't finish, and the old indices that it left."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from faces.calibration.indices import listed
from faces.health.asking import Asking
from faces.health.findings import Finding
from faces.reembedding.standing import Standing, standing_runs


def reembeddings_of(asking: Asking) -> tuple[Standing, ...] | None:
    """None if they can't be seen."""
    return asking.ask("what is being re-embedded", lambda es: tuple(standing_runs(es)), None)


def findings(runs: Iterable[Standing]) -> Iterator[Finding]:
    for one in runs:
        yield _settled(one) if one.is_settled else _running(one) if one.is_held else _unfinished(one)


def _unfinished(one: Standing) -> Finding:
    back = (
        f"`{one.back}` takes it back, once it is finished" if one.has_moved else f"`{one.back}` gives it up"
    )
    choice = "" if one.run.back else f" {back}."
    return Finding(
        "warning",
        "reembed-unfinished",
        f"{_how_far(one)}. It isn't finished.{choice} This goes on, with the options of before:",
        one.onward,
    )


def _running(one: Standing) -> Finding:
    return Finding(
        "hint",
        "reembed-running",
        f"{_how_far(one)}: a command works on it. If it was killed, this goes on in two minutes:",
        one.onward,
    )


def _settled(one: Standing) -> Finding:
    run = one.run
    back = "" if run.back else f"; `{one.back}` goes back to them"
    return Finding(
        "hint",
        "reembed-old-indices",
        f"{listed(run.sources)} stay since `faces reembed` gave {listed(run.targets)} their place, closed to "
        f"writing{back}. This deletes them:",
        one.finish,
    )


def _how_far(one: Standing) -> str:
    run = one.run
    what = "The rollback" if run.back else "`faces reembed`"
    pairs = ", ".join(f"[{move.source}] → [{move.target}]" for move in run.moves)
    how_far = (
        "searches have moved to the new indices, and the rest is to do"
        if one.has_moved
        else f"{one.copied:,} of {one.documents:,} documents are copied, and nothing has moved"
    )
    return f"{what} of [{run.name}] to [{run.model}], begun {run.since[:16]}: {pairs}: {how_far}"
