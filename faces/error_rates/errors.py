"""The exception of a calibration."""

from __future__ import annotations

from ingest_service.errors import UserError


class CalibrationError(UserError):
    """The photos don't support what was asked for, or a stored calibration can't be read."""
