"""From the settings to a loaded profile: a model of the registry with the detector that finds its faces."""

from __future__ import annotations

from typing import Any

import cv2
import numpy as np

from ingest_service.detection import Detector
from ingest_service.model import Loading, Model, Profile
from ingest_service.networks import ONNX_FP32, Runtime
from ingest_service.registry import DETECTORS, MODELS
from ingest_service.schemas import AvailableModel, ThresholdsAnswer
from ingest_service.settings import Settings
from ingest_service.verdicts import of_profile
from ingest_service.weights.cache import Cache


def check(settings: Settings) -> None:
    """Finds what is missing before anything is loaded.

    Raises:
        SettingsError: a package isn't installed, or the runtime can't be had.
        WeightsError: the cache lacks a network, or it is damaged.
    """
    settings.chosen_runtime()
    model = MODELS[settings.profile]
    model.needs.require(f"FACES_PROFILE [{model.name}]", Cache(settings.cache))
    if not model.own_detector:
        _check_detector(settings)


def load(settings: Settings) -> Profile:
    """
    Raises:
        SettingsError, WeightsError: as ``check`` does.
    """
    check(settings)
    model = MODELS[settings.profile]
    return model.load(
        Loading(
            entry=model,
            cache=Cache(settings.cache),
            cores=settings.workers,
            runtime=settings.chosen_runtime(),
            load_detector=lambda: load_detector(settings),
        )
    )


def load_detector(settings: Settings) -> Detector:
    """
    Raises:
        SettingsError, WeightsError: as ``check`` does.
    """
    _check_detector(settings)
    detector = DETECTORS[settings.detector]
    # In fp32 whatever the embedding's precision, so that both have the same boxes: see docs/decisions.md.
    return detector.load(
        Cache(settings.cache), settings.max_side, settings.min_face_px, ONNX_FP32, settings.turned_faces
    )


def available(settings: Settings, served: Model, runtime: Runtime) -> list[AvailableModel]:
    """Every model that is offered: its terms, whether it could be served from this cache, and which is."""
    cache = Cache(settings.cache)
    of_served: dict[str, Any] = {
        "id": served.id,
        "runtime": runtime.name,
        "precision": runtime.precision,
    }
    return [
        AvailableModel(
            name=entry.name,
            dims=entry.dims,
            thresholds=ThresholdsAnswer.of(of_profile(entry.name)),
            licence=entry.licence,
            note=entry.note,
            weights_present=entry.needs.are_present(cache),
            served=entry.name == served.profile,
            **(of_served if entry.name == served.profile else {}),
        )
        for entry in MODELS.values()
        if entry.listed
    ]


def warm_up(profile: Profile) -> None:
    """One pass through both networks, so that the first request isn't slower than the rest."""
    cv2.setNumThreads(1)  # photos in progress at the same time already use all cores
    profile.find(np.zeros((160, 160, 3), dtype=np.uint8))
    for all_cores in (True, False):
        profile.embed(np.zeros((1, *profile.input_shape), dtype=np.float32), all_cores)


def _check_detector(settings: Settings) -> None:
    detector = DETECTORS[settings.detector]
    detector.needs.require(f"FACES_DETECTOR [{detector.name}]", Cache(settings.cache))
