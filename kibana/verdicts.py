"""The lines from which on boards call two faces alike, and where they come from.

Vega and Lens can't read a mapping's ``_meta`` when a board is opened, so the lines stand in the boards:
`faces dashboards install` puts in those of the cluster's calibration.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from es_setup.calibration.meta import Calibration
from es_setup.calibration.stored import shared
from es_setup.install import ALIASES
from es_setup.models import recorded
from ingest_service.verdicts import UNCALIBRATED, Lines
from kibana.client import SavedObject

SAID = re.compile(r"Verdicts: strong from (-?\d\.\d+), possible from (-?\d\.\d+); (.+)$")
PLACES = 4
"""A calibration's own: the lines are those of the command line to the last digit."""


@dataclass(frozen=True)
class Verdicts:
    """``source``: what a viewer reads beside the lines: that they aren't calibrated, or what they promise."""

    lines: Lines
    source: str

    @property
    def places(self) -> int:
        """How many decimals the lines need, two at least."""
        return max(len(shown(line).partition(".")[2]) for line in (self.lines.strong, self.lines.possible))

    @property
    def words(self) -> str:
        """``strong from 0.60, possible from 0.46; not calibrated``"""
        strong, possible = shown(self.lines.strong), shown(self.lines.possible)
        return f"strong from {strong}, possible from {possible}; {self.source}"

    @property
    def sentence(self) -> str:
        """Ends the description of a board with verdicts; ``said_by`` reads it."""
        return f"Verdicts: {self.words}"

    def in_request(self, text: str) -> str:
        """A Dev Tools request, written with the uncalibrated lines, with these."""
        lines = {
            shown(UNCALIBRATED.strong): shown(self.lines.strong),
            shown(UNCALIBRATED.possible): shown(self.lines.possible),
        }
        # Both at once: one of these may be the other of those.
        written = "|".join(map(re.escape, lines))
        return re.sub(rf"(?<![\d.])(?:{written})(?!\d)", lambda found: lines[found[0]], text)


NOT_CALIBRATED = Verdicts(UNCALIBRATED, "not calibrated")
NONE_IN_COMMON = Verdicts(
    UNCALIBRATED, "not calibrated: the indices have no calibration in common, see `faces status`"
)


def of_cluster(es: Elasticsearch) -> Verdicts:
    """By the calibration that those indices behind the three aliases share which have one, as long as the
    others are of its model by their ``_meta``, or have none recorded; else not calibrated.

    Raises:
        ApiError, TransportError: Elasticsearch refuses, or doesn't answer.
    """
    facts: dict[str, dict[str, Any]] = {}
    for alias in ALIASES:
        # Not `ignore_unavailable`, which would take an alias that we may not see for one that isn't there.
        with suppress(NotFoundError):
            mappings = es.indices.get_mapping(index=alias)
            facts |= {index: recorded(found["mappings"]) for index, found in mappings.items()}
    # Identify goes by the gallery's alone, also where archive and probes have none.
    found = shared({index: ours for index, ours in facts.items() if "calibration" in ours})
    if found.calibration is None:
        return NONE_IN_COMMON if found.problem else NOT_CALIBRATED
    models = {ours["model"] for ours in facts.values() if "model" in ours}
    return of_calibration(found.calibration) if models == {found.calibration.model} else NONE_IN_COMMON


def of_calibration(calibration: Calibration) -> Verdicts:
    rate = f"{100 * calibration.fpir:g} % false hits over {calibration.gallery_size:,} faces"
    return Verdicts(calibration.lines, f"{rate}, calibrated {calibration.made}")


def said_by(board: SavedObject) -> Verdicts | None:
    """What a board was built with, also a copy in Kibana; None of what has no verdicts."""
    if said := SAID.search(str(board["attributes"].get("description", ""))):
        strong, possible, source = said.groups()
        return Verdicts(Lines(float(strong), float(possible)), source)
    return None


def shown(similarity: float) -> str:
    """With the decimals that it needs, two at least."""
    text = f"{similarity:.{PLACES}f}".rstrip("0")
    return text + "0" * (2 - len(text.partition(".")[2]))
