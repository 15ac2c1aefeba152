"""The pair of thresholds that an index records beside its model, for verdicts until it is calibrated.

Each profile of the service has its own pair, since a similarity of one model means nothing for another.
"""

from __future__ import annotations

from typing import Any

from ingest_service.errors import UserError
from ingest_service.verdicts import Thresholds, of_model

THRESHOLDS = "thresholds"
"""Their name beside the model, in our part of a mapping's ``_meta``."""


class InvalidThresholds(UserError):
    """What an index records isn't a pair of thresholds; the message says what to do."""


def as_meta(thresholds: Thresholds) -> dict[str, float]:
    return {"strong": thresholds.strong, "possible": thresholds.possible}


def from_meta(meta: object) -> Thresholds:
    """From what `as_meta` gave. Unknown keys are ignored.

    Raises:
        InvalidThresholds: a value is missing or wrong.
    """
    read: Any = meta if isinstance(meta, dict) else {}
    for name in ("strong", "possible"):
        value = read.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -1 <= value <= 1:
            raise InvalidThresholds(
                f"[{THRESHOLDS}.{name}] is [{value}], not a number from -1 to 1: run `faces install`"
            )
    found = Thresholds(float(read["strong"]), float(read["possible"]))
    if found.possible > found.strong:
        raise InvalidThresholds(
            f"[{THRESHOLDS}.possible] is [{found.possible}], above [strong]: run `faces install`"
        )
    return found


def of_index(recorded: dict[str, Any]) -> Thresholds:
    """The pair of an index; where an earlier release made it, that of its model's profile.

    Args:
        recorded: our part of its ``_meta``.

    Raises:
        InvalidThresholds: what it records isn't a pair.
    """
    if THRESHOLDS in recorded:
        return from_meta(recorded[THRESHOLDS])
    return of_model(str(recorded.get("model", "")))


def are_recorded(recorded: dict[str, Any]) -> bool:
    """Whether an index records a valid pair."""
    try:
        from_meta(recorded.get(THRESHOLDS))
    except InvalidThresholds:
        return False
    return True
