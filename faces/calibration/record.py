"""A calibration as it is kept beside the vectors of one model."""

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
"""That a number can be: JSON has larger ones."""


@dataclass(frozen=True)
class Calibration:
    """What is kept beside the vectors of one model, in ``_meta.ingest_face.calibration``.

    similarity: cosine at or above which a search over ``gallery_size`` faces, one a person, finds anybody
        for at most ``fpir`` (0 to 1) of the strangers, and misses ``fnir`` of the enrolled.
    people, photos: what it was made from, failed photos too.
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
        """Rounded to what a person reads; the intervals are far wider."""
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
        """``strong`` from the similarity of the stated rate on; ``possible`` from where two photos are of one
        person as likely as not, given that they were as likely as not before, and never above ``strong``."""
        even = round(-self.logistic.offset / self.logistic.slope, 4)
        return Thresholds(self.similarity, min(self.similarity, max(-1.0, even)))

    def probability(self, similarity: float) -> float:
        """0 to 1, that two faces of this cosine are one person's, as likely as not before."""
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
        """What `as_meta` gave. Unknown keys are left aside.

        Raises:
            CalibrationError: a value is absent or can't be, or it was made for another model than ``model``.
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
