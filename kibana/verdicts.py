"""The thresholds that the boards show, and where they come from.

Vega and Lens can't read a mapping's ``_meta`` when a board is opened, so the thresholds are part of the
boards: `faces dashboards install` builds the boards with those of the cluster's indices.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from ingest_service.verdicts import UNCALIBRATED, Thresholds, shown
from kibana.saved_object import SavedObject

STATED = re.compile(r"Verdicts: strong from (-?\d\.\d+), possible from (-?\d\.\d+); (.+)$")
"""``Verdicts.sentence`` at the end of a board's description: the only place that every board with verdicts
has (Exploration has no Vega signals with thresholds), and that remains when somebody removes panels."""


@dataclass(frozen=True)
class Verdicts:
    """``source``: shown beside the thresholds: "not calibrated", or the rate of false hits and the date."""

    thresholds: Thresholds
    source: str

    @property
    def places(self) -> int:
        """The decimals that the thresholds need, at least two."""
        both = (self.thresholds.strong, self.thresholds.possible)
        return max(len(shown(threshold).partition(".")[2]) for threshold in both)

    @property
    def words(self) -> str:
        """Such as ``strong from 0.60, possible from 0.46; not calibrated``."""
        return f"{self.thresholds.words}; {self.source}"

    @property
    def sentence(self) -> str:
        """The end of the description of a board with verdicts; ``stated_by`` reads it."""
        return f"Verdicts: {self.words}"

    def in_request(self, text: str) -> str:
        """A Dev Tools request that is written with the thresholds of `facenet`, with these instead."""
        replacements = {
            shown(UNCALIBRATED.strong): shown(self.thresholds.strong),
            shown(UNCALIBRATED.possible): shown(self.thresholds.possible),
        }
        # Both in one pass: a new threshold may equal the other old one.
        written = "|".join(map(re.escape, replacements))
        return re.sub(rf"(?<![\d.])(?:{written})(?!\d)", lambda found: replacements[found[0]], text)


def not_calibrated(thresholds: Thresholds, why: str = "") -> Verdicts:
    """With the thresholds of a profile."""
    return Verdicts(thresholds, f"not calibrated{why and f': {why}'}")


NOT_CALIBRATED = not_calibrated(UNCALIBRATED)
"""As the committed boards are: for `facenet`."""


def stated_by(board: SavedObject) -> Verdicts | None:
    """The verdicts that a board (or its copy in Kibana) was built with; None if it has none."""
    if stated := STATED.search(str(board["attributes"].get("description", ""))):
        strong, possible, source = stated.groups()
        return Verdicts(Thresholds(float(strong), float(possible)), source)
    return None
