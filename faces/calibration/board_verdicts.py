"""The thresholds of the boards' verdicts, from the calibration that the cluster's indices share."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from elasticsearch import Elasticsearch, NotFoundError

from es_setup.models import recorded
from es_setup.shipped_files import ALIASES
from faces.calibration.indices import shared
from faces.calibration.record import Calibration
from ingest_service.verdicts import UNCALIBRATED
from kibana.verdicts import NOT_CALIBRATED, Verdicts

NONE_IN_COMMON = Verdicts(
    UNCALIBRATED, "not calibrated: the indices have no calibration in common, see `faces status`"
)


def of_cluster(es: Elasticsearch) -> Verdicts:
    """From the indices behind the three aliases: those with a calibration must share it, and the others must
    have its model recorded, or none. Else not calibrated.

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
    if found.calibration is None:
        return NONE_IN_COMMON if found.problem else NOT_CALIBRATED
    models = {ours["model"] for ours in facts.values() if "model" in ours}
    return of_calibration(found.calibration) if models == {found.calibration.model} else NONE_IN_COMMON


def of_calibration(calibration: Calibration) -> Verdicts:
    rate = f"{100 * calibration.fpir:g} % false hits over {calibration.gallery_size:,} faces"
    return Verdicts(calibration.thresholds, f"{rate}, calibrated {calibration.made}")
