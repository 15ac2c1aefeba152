"""What the steps of a calibration raise."""

from __future__ import annotations


class CalibrationError(Exception):
    """The photos don't support what was asked for, or what is stored is no calibration."""
