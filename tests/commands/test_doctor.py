"""`faces doctor`: each thing that is wrong is found, and the line that is printed with it mends it."""

from __future__ import annotations

import json
import shlex

import pytest
from elasticsearch import Elasticsearch
from tools import bracketed, encoded, picture, side_by_side

from es_setup import models

HARMLESS = {"not-calibrated", "undecided", "failed-photos"}
"""Hints about what is in the indices."""


def test_a_healthy_cluster_has_no_error_and_status_0(doctor, run):
    status, found = doctor()
    assert status == 0
    assert found.keys() <= HARMLESS
    status, out, _ = run("doctor")
    assert status == 0
    assert out.splitlines()[-1] in ("nothing to mend", "1 hint", "2 hints", "3 hints")


def set_block(es: Elasticsearch) -> None:
    es.indices.put_settings(index="faces-000001", settings={"index.blocks.read_only_allow_delete": True})


def remove_pipeline(es: Elasticsearch) -> None:
    es.indices.put_settings(index="faces-000001", settings={"index.default_pipeline": None})


def log_searches(es: Elasticsearch) -> None:
    es.indices.put_settings(
        index="faces-000001", settings={"index.search.slowlog.threshold.query.trace": "0ms"}
    )


def trace_bodies(es: Elasticsearch) -> None:
    es.cluster.put_settings(persistent={"logger.org.elasticsearch.http.HttpBodyTracer": "TRACE"})


def edit_pipeline(es: Elasticsearch) -> None:
    body = es.ingest.get_pipeline(id="faces")["faces"]
    body["processors"][0]["face"]["min_quality"] = 0.3
    es.ingest.put_pipeline(id="faces", processors=body["processors"], meta=body["_meta"])


def lose_the_journal(es: Elasticsearch) -> None:
    es.indices.delete(index="face-decisions-000001")


def close_an_index(es: Elasticsearch) -> None:
    es.indices.close(index="face-probes-000001")


@pytest.mark.parametrize(
    ("spoil", "code", "severity"),
    [
        (close_an_index, "index-closed", "error"),
        (set_block, "block-read-only-allow-delete", "error"),
        (remove_pipeline, "no-pipeline", "error"),
        (lose_the_journal, "no-journal", "error"),
        (log_searches, "logged-requests", "warning"),
        (trace_bodies, "logged-requests", "warning"),
        (edit_pipeline, "edited", "hint"),
    ],
    ids=lambda value: value.__name__ if callable(value) else value,
)
def test_what_is_wrong_is_found_and_its_line_mends_it(es, doctor, paste, spoil, code, severity):
    spoil(es)
    status, found = doctor()
    paste(found[code])
    assert found[code]["severity"] == severity
    assert status == (1 if severity == "error" else 0)
    status, found = doctor()
    assert code not in found
    assert status == 0


def test_an_index_that_refuses_no_forged_faces_keeps_its_own_final_pipeline_with_the_check_added(
    es, doctor, own_index
):
    own = {"face": {"field": "picture", "ignore_missing": True}}
    es.ingest.put_pipeline(id="mine", description="of somebody", processors=[own])
    own_index("faces-mine", settings={"index.final_pipeline": "mine"})
    try:
        _, found = doctor()
        assert "[faces-mine]" in found["unchecked-faces"]["problem"]
        # The Elasticsearch of the tests has no processor [pipeline].
        words = shlex.split(found["unchecked-faces"]["remedy"])
        assert words[4].endswith("/_ingest/pipeline/mine")
        assert json.loads(words[-1]) == {
            "description": "of somebody",
            "processors": [own, {"pipeline": {"name": "face-check"}}],
        }
        es.ingest.put_pipeline(id="mine", processors=[own, {"face_check": {}}])
        assert "unchecked-faces" not in doctor()[1]
    finally:
        es.indices.delete(index="faces-mine")
        es.ingest.delete_pipeline(id="mine")


def test_a_calibration_that_the_gallery_has_outgrown_is_a_warning_with_the_size_of_today(
    doctor, gallery, bulk, photos, calibrate
):
    bulk({str(number): {"image": encoded(photos["Ann"][number])} for number in range(3)}, index=gallery)
    calibrate("face-gallery-000001", 0.6, gallery_size=2)
    status, found = doctor()
    assert status == 0
    assert found["calibration-outgrown"]["severity"] == "warning"
    assert "--gallery-size 3" in found["calibration-outgrown"]["remedy"]
    calibrate("face-gallery-000001", 0.6, gallery_size=3)
    assert "calibration-outgrown" not in doctor()[1]


def test_failed_photos_are_told_by_whether_a_retry_is_worth_it(doctor, es, faces, bulk):
    bulk({"broken": {"image": encoded(b"not a photo")}})
    status, found = doctor()
    assert status == 0
    assert "1 not_an_image" in found["failed-photos"]["problem"]
    assert "failed-retry" not in found
    es.index(
        index=faces, id="late", document={"error": {"code": "unavailable"}}, pipeline="_none", refresh=True
    )
    assert "1 unavailable" in doctor()[1]["failed-retry"]["problem"]


def test_undecided_faces_are_a_hint_to_review_them(doctor, gallery, probes, bulk, photos):
    bulk({"ann": {"image": encoded(photos["Ann"][0]), "person": {"name": "Ann"}}}, index=gallery)
    bulk({"gate": {"image": encoded(photos["Ann"][4])}}, index=probes)
    finding = doctor()[1]["undecided"]
    assert finding["severity"] == "hint"
    assert finding["remedy"].startswith("faces review --index face-probes")


def test_candidates_that_an_earlier_release_only_stored_are_a_hint_until_a_new_index_takes_over(
    doctor, paste, es, running, own_index
):
    aliases = {"face-probes": {"is_write_index": True}}
    mapping = {
        "_meta": {"ingest_face": {"model": running.model}},
        "properties": {
            "faces": {"type": "nested", "properties": {"candidates": {"type": "object", "enabled": False}}}
        },
    }
    es.indices.put_alias(index="face-probes-000001", name="face-probes", is_write_index=False)
    try:
        own_index("face-probes-000002", mappings=mapping, aliases=aliases)
        assert "face-probes-000002" in bracketed(doctor()[1]["candidates-stored-only"]["problem"])
        paste(doctor()[1]["candidates-stored-only"])
        assert "candidates-stored-only" not in doctor()[1]
    finally:
        es.indices.delete(index="face-probes-000003", ignore_unavailable=True)
        es.indices.delete(index="face-probes-000002")
        es.indices.put_alias(index="face-probes-000001", name="face-probes", is_write_index=True)


def test_an_alias_with_two_models_is_an_error(doctor, es, running):
    es.indices.rollover(alias="faces")
    try:
        pair = {"strong": 0.6, "possible": 0.46}
        models.record(es, "faces-000002", model="facenet-00000000", thresholds=pair)
        status, found = doctor()
        assert status == 1
        assert {"faces", running.model, "facenet-00000000"} <= bracketed(found["several-models"]["problem"])
    finally:
        es.indices.delete(index="faces-000002")
        es.indices.put_alias(index="faces-000001", name="faces", is_write_index=True)


def test_a_service_of_another_model_is_an_error_for_attached_indices_too(doctor, own_index, running):
    own_index("attached", mappings={"_meta": {"ingest_face": {"model": "facenet-00000000"}}})
    status, found = doctor()
    assert status == 1
    assert {"attached", "facenet-00000000", running.model} <= bracketed(found["other-model"]["problem"])


def test_an_index_with_an_aliass_name_is_copied_before_it_goes(doctor, es, run):
    es.indices.delete(index="face-probes-000001")
    es.index(index="face-probes", id="1", document={"note": "sent too early"}, pipeline="_none")
    try:
        status, found = doctor()
        assert status == 1
        # The Elasticsearch of the tests has no reindex.
        words = shlex.split(found["alias-is-index"]["remedy"])
        assert words[2:5] == ["-X", "POST", words[4]]
        assert words[4].endswith("/_reindex")
        assert json.loads(words[-1]) == {
            "source": {"index": "face-probes"},
            "dest": {"index": "before-install-face-probes"},
        }
    finally:
        es.indices.delete(index="face-probes")
        run("install")
    assert doctor()[0] == 0


def test_a_photo_of_two_counts_each_undecided_face(doctor, gallery, probes, bulk, photos):
    bulk(
        {
            name.lower(): {"image": encoded(photos[name][0]), "person": {"name": name}}
            for name in ("Ann", "Ben")
        },
        index=gallery,
    )
    together = picture(side_by_side([photos["Ann"][4], photos["Ben"][4]]), quality=92)
    bulk({"together": {"image": encoded(together)}}, index=probes)
    assert "[face-probes]: 2 faces" in doctor()[1]["undecided"]["problem"]
