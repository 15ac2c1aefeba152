"""A calibration as it is stored with the vectors of one model."""

from __future__ import annotations

import math
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from faces.error_rates.errors import CalibrationError
from faces.error_rates.logistic import Logistic
from faces.error_rates.search_threshold import SearchThreshold
from ingest_service.verdicts import Thresholds

MOST = sys.float_info.max
"""The largest float; JSON has larger numbers."""


@dataclass(frozen=True)
class Calibration:
    """What is stored with the vectors of one model, in ``_meta.ingest_face.calibration``.

    similarity: the threshold, a cosine, of searches over ``gallery_size`` faces, one a person.
    fpir: the highest share, 0 to 1, of searches for unenrolled people that return anyone there.
    fnir: the share, 0 to 1, of searches for enrolled people that miss there.
    people, photos: what it was made from, failed photos included.
    """

    model: str
    similarity: float
    fpir: float
    gallery_size: int
    fnir: float
    logistic: Logistic
    people: int
    photos: int
    made: date

    @classmethod
    def of(cls, model: str, threshold: SearchThreshold, logistic: Logistic, made: date) -> Calibration:
        """Rounded to four digits; the intervals are far wider."""
        return cls(
            model=model,
            similarity=round(threshold.similarity, 4),
            fpir=threshold.fpir,
            gallery_size=threshold.gallery_size,
            fnir=round(threshold.fnir, 4),
            logistic=Logistic(round(logistic.slope, 4), round(logistic.offset, 4)),
            people=threshold.people,
            photos=threshold.photos,
            made=made,
        )

    @property
    def thresholds(self) -> Thresholds:
        """``strong`` is the similarity for the stated FPIR; ``possible`` is where the probability is 50 % at
        even prior odds, and never above ``strong``."""
        even = round(-self.logistic.offset / self.logistic.slope, 4)
        return Thresholds(self.similarity, min(self.similarity, max(-1.0, even)))

    def probability(self, similarity: float) -> float:
        """That two faces of this cosine show one person, 0 to 1, at even prior odds."""
        return float(self.logistic.probability(similarity))

    def as_meta(self) -> dict[str, Any]:
        return {
            "model": self.model,
            "similarity": self.similarity,
            "fpir": self.fpir,
            "gallery_size": self.gallery_size,
            "fnir": self.fnir,
            "logistic": {"slope": self.logistic.slope, "offset": self.logistic.offset},
            "data": {"people": self.people, "photos": self.photos},
            "made": self.made.isoformat(),
        }

    @classmethod
    def from_meta(cls, meta: object, model: str) -> Calibration:
        """From what `as_meta` gave. Unknown keys are ignored.

        Raises:
            CalibrationError: a value is missing or wrong, or it was made for another model than ``model``.
        """
        read = _Meta(meta)
        if read.text("model") != model:
            raise CalibrationError(f"the calibration is of model [{read.text('model')}], not of [{model}]")
        return cls(
            model=model,
            similarity=read.number("similarity", -1, 1),
            fpir=read.number("fpir", 0, 1),
            gallery_size=read.whole("gallery_size"),
            fnir=read.number("fnir", 0, 1),
            logistic=Logistic(
                read.number("logistic.slope", math.ulp(0), math.inf),
                read.number("logistic.offset", -math.inf, math.inf),
            ),
            people=read.whole("data.people"),
            photos=read.whole("data.photos"),
            made=read.day("made"),
        )


@dataclass(frozen=True)
class _Meta:
    """Reads a stored calibration's values, each by its dotted name; raises CalibrationError."""

    meta: object

    def text(self, name: str) -> str:
        value = self._value(name)
        if not isinstance(value, str):
            raise self._wrong(name, "text")
        return value

    def number(self, name: str, low: float, high: float) -> float:
        value = self._value(name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not -MOST <= value <= MOST:
            raise self._wrong(name, "a number")
        if not low <= value <= high:
            raise self._wrong(name, f"from {low:g} to {high:g}")
        return float(value)

    def whole(self, name: str) -> int:
        value = self._value(name)
        if isinstance(value, bool) or not isinstance(value, int) or value < 1:
            raise self._wrong(name, "a whole number of 1 or more")
        return value

    def day(self, name: str) -> date:
        try:
            return date.fromisoformat(self.text(name))
        except ValueError:
            raise self._wrong(name, "a day such as 2025-01-31") from None

    def _value(self, name: str) -> object:
        value = self.meta
        for key in name.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        return value

    def _wrong(self, name: str, wanted: str) -> CalibrationError:
        return CalibrationError(
            f"calibration: [{name}] is [{self._value(name)}], not {wanted}; calibrate again"
        )
