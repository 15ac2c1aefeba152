"""The lines from which on boards call two faces alike, and where they come from.

Vega and Lens can't read a mapping's ``_meta`` when a board is opened, so the lines stand in the boards:
`faces dashboards install` puts in those of the cluster's calibration.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest_service.verdicts import UNCALIBRATED, Thresholds
from kibana.client import SavedObject

SAID = re.compile(r"Verdicts: strong from (-?\d\.\d+), possible from (-?\d\.\d+); (.+)$")
PLACES = 4
"""A calibration's own: the lines are those of the command line to the last digit."""


@dataclass(frozen=True)
class Verdicts:
    """``source``: what a viewer reads beside the lines: that they aren't calibrated, or what they promise."""

    thresholds: Thresholds
    source: str

    @property
    def places(self) -> int:
        """How many decimals the lines need, two at least."""
        return max(
            len(shown(line).partition(".")[2]) for line in (self.thresholds.strong, self.thresholds.possible)
        )

    @property
    def words(self) -> str:
        """``strong from 0.60, possible from 0.46; not calibrated``"""
        strong, possible = shown(self.thresholds.strong), shown(self.thresholds.possible)
        return f"strong from {strong}, possible from {possible}; {self.source}"

    @property
    def sentence(self) -> str:
        """Ends the description of a board with verdicts; ``said_by`` reads it."""
        return f"Verdicts: {self.words}"

    def in_request(self, text: str) -> str:
        """A Dev Tools request, written with the uncalibrated lines, with these."""
        lines = {
            shown(UNCALIBRATED.strong): shown(self.thresholds.strong),
            shown(UNCALIBRATED.possible): shown(self.thresholds.possible),
        }
        # Both at once: one of these may be the other of those.
        written = "|".join(map(re.escape, lines))
        return re.sub(rf"(?<![\d.])(?:{written})(?!\d)", lambda found: lines[found[0]], text)


NOT_CALIBRATED = Verdicts(UNCALIBRATED, "not calibrated")


def said_by(board: SavedObject) -> Verdicts | None:
    """What a board was built with, also a copy in Kibana; None of what has no verdicts."""
    if said := SAID.search(str(board["attributes"].get("description", ""))):
        strong, possible, source = said.groups()
        return Verdicts(Thresholds(float(strong), float(possible)), source)
    return None


def shown(similarity: float) -> str:
    """With the decimals that it needs, two at least."""
    text = f"{similarity:.{PLACES}f}".rstrip("0")
    return text + "0" * (2 - len(text.partition(".")[2]))
