"""The thresholds of the boards' verdicts: of the calibration that indices share, or else of their model."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from es_setup.models import recorded
from es_setup.shipped_files import ALIASES
from faces.calibration.indices import shared
from faces.calibration.record import Calibration
from kibana.verdicts import Verdicts, not_calibrated

NONE_IN_COMMON = "the indices have no calibration in common, see `faces status`"
SEVERAL = "the indices have several models or thresholds, of which these are the highest, see `faces status`"


def of_cluster(es: Elasticsearch) -> Verdicts:
    """From the indices behind the three aliases: those with a calibration must share it, and the others must
    have its model recorded, or none. Else not calibrated: the thresholds that the indices record, the highest
    where they differ.

    Raises:
        ApiError, TransportError: Elasticsearch refuses, or doesn't answer.
    """
    facts: dict[str, dict[str, Any]] = {}
    for alias in ALIASES:
        # Not `ignore_unavailable`: it would treat an alias that we may not read as one that doesn't exist.
        with suppress(NotFoundError):
            mappings = es.indices.get_mapping(index=alias)
            facts |= {index: recorded(found["mappings"]) for index, found in mappings.items()}
    # `identify` uses the gallery's calibration even where archive and probes have none.
    found = shared({index: ours for index, ours in facts.items() if "calibration" in ours})
    models = {ours["model"] for ours in facts.values() if "model" in ours}
    if found.calibration and models == {found.calibration.model}:
        return of_calibration(found.calibration)
    together = shared(facts)
    if found.calibration or found.problem:
        return not_calibrated(together.uncalibrated, NONE_IN_COMMON)
    return not_calibrated(together.uncalibrated, SEVERAL if together.problem or len(models) > 1 else "")


def of_calibration(calibration: Calibration) -> Verdicts:
    rate = f"{100 * calibration.fpir:g} % false hits over {calibration.gallery_size:,} faces"
    return Verdicts(calibration.thresholds, f"{rate}, calibrated {calibration.made}")
