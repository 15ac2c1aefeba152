"""From labelled photos to a calibration of the model that embedded them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np

from faces.calibration.record import Calibration
from faces.error_rates.errors import CalibrationError
from faces.error_rates.labelled_vectors import Faces
from faces.error_rates.logistic import logistic_map
from faces.error_rates.search_threshold import SearchThreshold, require_support, search_threshold
from faces.labelled_photos import Folder
from faces.photo_vectors import Embedded
from faces.photos import readable


@dataclass(frozen=True)
class Measured:
    """A calibration, and what it rests on.

    no_face: photos that can be read and have no face.
    unreadable: photos that can't be read, by the service's code.
    """

    calibration: Calibration
    threshold: SearchThreshold
    no_face: int
    unreadable: dict[str, int]


def require_enough(folder: Folder, fpir: float, gallery_size: int) -> None:
    """Before the work: would the photos do if a face were found on each?

    Raises:
        CalibrationError: they wouldn't; the message says how many more are needed.
    """
    require_support(Faces.of(np.ones((len(folder.photos), 1)), folder.labels()), fpir, gallery_size)


def measure(
    folder: Folder, embedded: Sequence[Embedded], model: str, fpir: float, gallery_size: int
) -> Measured:
    """
    Args:
        embedded: of each of the folder's photos, in order.
        model: whose vectors they are.

    Raises:
        CalibrationError: no photo can be read, or they don't support what is asked for.
    """
    unreadable = Counter(photo.error for photo in embedded if photo.error)
    if sum(unreadable.values()) == len(embedded):
        codes = ", ".join(f"{code} {count}" for code, count in unreadable.most_common())
        raise CalibrationError(
            f"none of the {len(embedded):,} photos in [{readable(folder.root)}] can be read: {codes}"
        )
    dims = max(len(photo.vector or ()) for photo in embedded)
    vectors = np.array([photo.vector or [np.nan] * dims for photo in embedded], dtype=np.float32)
    threshold = search_threshold(vectors, folder.labels(), fpir, gallery_size)
    logistic = logistic_map(vectors, folder.labels())
    return Measured(
        calibration=Calibration.of(model, threshold, logistic, datetime.now(timezone.utc).date()),
        threshold=threshold,
        no_face=sum(photo.vector is None and photo.error is None for photo in embedded),
        unreadable=dict(unreadable.most_common()),
    )
