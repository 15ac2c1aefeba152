"""What a bench's figures are held against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

NO_BF16 = "not counted: this CPU has no BF16 units"


@dataclass(frozen=True)
class Bar:
    """
    met: None if it isn't counted on this machine.
    found: the figure, or why the bar isn't counted or can't be met.
    """

    name: str
    met: bool | None
    found: str = ""

    @classmethod
    def at_least(cls, name: str, found: float, limit: float) -> Bar:
        return cls(name, found >= limit, f"{found:.3g}")

    @classmethod
    def at_most(cls, name: str, found: float, limit: float) -> Bar:
        return cls(name, found <= limit, f"{found:.3g}")

    @classmethod
    def below(cls, name: str, found: float, limit: float) -> Bar:
        return cls(name, found < limit, f"{found:.3g}")

    def shown(self) -> str:
        said = {True: "met        ", False: "MISSED     ", None: "not counted"}[self.met]
        return f"{said} {self.name}" + (f": {self.found}" if self.found else "")


def judged(bars: Iterable[Bar]) -> dict[str, Any]:
    """For ``--json``. A bar that isn't counted is null; one that is missed fails the bench."""
    bars = list(bars)
    return {
        "bars": {bar.name: bar.met for bar in bars},
        "found": {bar.name: bar.found for bar in bars},
        "passed": all(bar.met is not False for bar in bars),
    }
