"""What `faces forget` began and didn't finish."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from faces.calibration.indices import listed
from faces.erasure.forgotten import Run, unfinished
from faces.health.asking import Asking
from faces.health.findings import Finding


def unfinished_of(asking: Asking) -> tuple[Run, ...] | None:
    """None if it can't be seen."""
    return asking.ask("what is being forgotten", lambda es: tuple(unfinished(es)), None)


def findings(runs: Iterable[Run]) -> Iterator[Finding]:
    for run in runs:
        where = f" in {listed(run.indices)}" if run.indices else ""
        yield Finding(
            "warning",
            "forget-unfinished",
            f"`faces forget` of {run.started[:16]} isn't finished{where} (operation {run.operation}): what "
            "it was to erase may still be stored, or be in the files. Run it again, with the name, the photo "
            "or the id of that time, which isn't kept:",
            "faces forget --person NAME  # or --photo FILE, or --id ID",
        )
