"""A calibration of the model that embedded a folder of labelled photos."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone

import numpy as np

from faces.calibration.record import Calibration
from faces.error_rates.labelled_vectors import LabelledVectors
from faces.error_rates.logistic import logistic_map
from faces.error_rates.search_threshold import SearchThreshold, require_support, search_threshold
from faces.labelled_photos import Folder
from faces.photo_vectors import FolderVectors, PhotoVector


@dataclass(frozen=True)
class Measured:
    """A calibration, and what it is based on."""

    calibration: Calibration
    threshold: SearchThreshold
    vectors: FolderVectors


def require_enough(folder: Folder, fpir: float, gallery_size: int) -> None:
    """Before the work: are the photos enough if a face is found on each?

    Raises:
        CalibrationError: they aren't; the message says how many more are needed.
    """
    require_support(LabelledVectors.of(np.ones((len(folder.photos), 1)), folder.labels()), fpir, gallery_size)


def measure(
    folder: Folder, embedded: Sequence[PhotoVector], model: str, fpir: float, gallery_size: int
) -> Measured:
    """
    Args:
        embedded: the vector of each of the folder's photos, in order.
        model: that made the vectors.

    Raises:
        FolderError: no photo can be read.
        CalibrationError: the photos don't support what was asked for.
    """
    found = FolderVectors.of(folder, embedded)
    threshold = search_threshold(found.vectors, folder.labels(), fpir, gallery_size)
    logistic = logistic_map(found.vectors, folder.labels())
    return Measured(
        calibration=Calibration.of(model, threshold, logistic, datetime.now(timezone.utc).date()),
        threshold=threshold,
        vectors=found,
    )
