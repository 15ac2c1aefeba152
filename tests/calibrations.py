"""Calibrations for tests: one to store, and what indices have."""

from __future__ import annotations

from datetime import date

from elasticsearch import Elasticsearch

from es_setup import models
from es_setup.install import install
from faces.calibration.indices import places, store
from faces.calibration.record import Calibration
from faces.error_rates.logistic import Logistic

FIRST = ("faces-000001", "face-gallery-000001", "face-probes-000001")


def calibration(model: str, **values: object) -> Calibration:
    """Strong from 0.673, possible from 0.4."""
    known = {
        "model": model,
        "similarity": 0.673,
        "fpir": 0.01,
        "gallery_size": 746,
        "fnir": 0.187,
        "logistic": Logistic(slope=25.0, offset=-10.0),
        "people": 2086,
        "photos": 3811,
        "made": date(2026, 11, 25),
    }
    return Calibration(**known | values)


def store_calibration(es: Elasticsearch, made: Calibration, index: str | None = None) -> None:
    """In all indices of its model, or in those behind one name."""
    assert not any(dict(store(es, made, places(es, made.model, index))).values())


def stored(es: Elasticsearch, index: str) -> dict | None:
    """The calibration in the `_meta` of an index, or of an alias of one."""
    (found,) = es.indices.get_mapping(index=index).values()
    return models.recorded(found["mappings"]).get("calibration")


def stored_anywhere(es: Elasticsearch) -> bool:
    indices = es.indices.get_mapping(index="*")
    return any(stored(es, index) for index in indices) or "calibration" in models.recorded_in_template(es)


def remove_all(es: Elasticsearch, model: str) -> None:
    """No index is calibrated, and all are of this model."""
    for _ in install(es, model):
        pass
    for index in es.indices.get_mapping(index="*"):
        models.record(es, index, calibration=None)
    models.record_in_template(es, calibration=None)
