"""Bad documents: status, code and values of each error; the other documents of the bulk are untouched."""

from __future__ import annotations

import json

import pytest
from elasticsearch import BadRequestError
from PIL import Image
from tools import bracketed, encoded, face_stats, innermost, landscape, picture


@pytest.fixture
def bad_photos(portrait) -> dict[str, tuple[object, str]]:
    """name -> (image, code)"""
    return {
        "not-base64": ("§§ not base64 §§", "not_base64"),
        "number": (42, "not_base64"),
        "url": ("http://127.0.0.1/photo.jpg", "not_base64"),
        "not-an-image": (encoded(b"a text, not a picture"), "not_an_image"),
        "pdf": (encoded(b"%PDF-1.7 ..."), "unsupported_format"),
        "truncated": (encoded(portrait.read_bytes()[:-3000]), "truncated"),
        "too-many-pixels": (encoded(picture(Image.new("L", (8000, 6500)), "PNG")), "too_many_pixels"),
        "too-large": (encoded(b"\xff\xd8\xff" + b"\0" * 15_000_000), "too_large"),
    }


def untouched(es, index: str, *keys: str) -> None:
    for key in keys:
        stored = es.get(index=index, id=key)["_source"]
        assert stored["face_count"] == 1, key
        assert "error" not in stored, key


def test_a_bad_photo_is_kept_with_its_error_and_its_neighbours_are_untouched(
    es, faces, bulk, good, bad_photos
):
    documents = {"first": good}
    for name, (image, _) in bad_photos.items():
        documents[name] = {"image": image, "file": {"path": f"{name}.jpg"}}
    documents["last"] = good
    items = bulk(documents)
    assert {item["status"] for item in items.values()} == {201}
    untouched(es, faces, "first", "last")
    for name, (image, code) in bad_photos.items():
        stored = es.get(index=faces, id=name)["_source"]
        assert stored["error"]["code"] == code, name
        assert stored["error"]["message"], name
        assert stored["event"]["outcome"] == "failure"
        assert stored["@timestamp"]
        assert stored["file"]["path"] == f"{name}.jpg"
        assert stored["image"] == image
        assert "faces" not in stored
        assert "model" not in stored


def test_with_on_error_fail_a_bad_photo_is_refused_with_400_and_its_neighbours_are_untouched(
    es, faces, bulk, pipeline, good, bad_photos
):
    documents = (
        {"first": good} | {name: {"image": image} for name, (image, _) in bad_photos.items()} | {"last": good}
    )
    items = bulk(documents, pipeline=pipeline(on_error="fail"))
    untouched(es, faces, "first", "last")
    for name, (_, code) in bad_photos.items():
        assert items[name]["status"] == 400, name
        assert innermost(items[name]["error"]).startswith(f"[{code}] "), name
        assert not es.exists(index=faces, id=name)


def test_an_on_failure_handler_sees_the_refusal(es, faces, good):
    body = [{"face": {"on_error": "fail", "on_failure": [{"face": {"field": "spare"}}]}}]
    answer = es.ingest.simulate(
        pipeline={"processors": body}, docs=[{"_source": {"image": "?", "spare": good["image"]}}]
    )
    assert answer["docs"][0]["doc"]["_source"]["face_count"] == 1


def test_a_document_without_a_photo_is_refused_and_its_neighbours_are_untouched(es, faces, bulk, good):
    items = bulk({"first": good, "empty": {"file": {"path": "x"}}, "null": {"image": None}, "last": good})
    assert items["empty"]["status"] == items["null"]["status"] == 400
    reasons = {innermost(items[name]["error"]) for name in ("empty", "null")}
    assert len(reasons) == 2, "absent and null are told apart"
    assert all(bracketed(reason) == {"image"} for reason in reasons)
    untouched(es, faces, "first", "last")


def test_an_object_for_a_photo_is_refused_with_its_field_and_its_neighbours_are_untouched(
    es, faces, bulk, good
):
    items = bulk({"first": good, "object": {"image": {"data": "x"}}, "last": good})
    assert items["object"]["status"] == 400
    assert {"image", "java.util.HashMap"} <= bracketed(innermost(items["object"]["error"]))
    untouched(es, faces, "first", "last")


def test_ignore_missing_lets_a_document_without_a_photo_pass(es, faces, pipeline):
    es.index(index=faces, id="1", document={"mine": 1}, pipeline=pipeline(ignore_missing=True))
    assert es.get(index=faces, id="1")["_source"] == {"mine": 1}


def test_a_finished_document_that_is_put_again_without_its_photo_passes_untouched(
    es, faces, whole, bulk, good
):
    bulk({"1": good | {"person": {"name": "Ben"}}, "none": {"image": encoded(picture(landscape()))}})
    for key in ("1", "none"):
        finished = whole(faces, key)
        items = bulk({key: finished, "other": good})
        assert items[key]["status"] == 200
        assert whole(faces, key) == finished
    untouched(es, faces, "other")


def test_finished_documents_can_be_copied_to_another_index_through_the_pipeline(es, faces, whole, bulk, good):
    bulk({"1": good})
    finished = whole(faces, "1")
    es.index(index="faces-000002", id="1", document=finished, refresh=True)
    assert whole("faces-000002", "1") == finished
    es.indices.delete(index="faces-000002")


def test_a_partial_update_keeps_the_faces(es, faces, whole, bulk, good):
    bulk({"1": good})
    before = whole(faces, "1")
    es.update(index=faces, id="1", doc={"observer": {"name": "gate 3"}})
    assert whole(faces, "1") == before | {"observer": {"name": "gate 3"}}


def test_a_photo_that_is_sent_again_after_its_error_loses_the_error(es, faces, bulk, good):
    bulk({"1": {"image": "?"}})
    bulk({"1": es.get(index=faces, id="1")["_source"] | {"image": good["image"]}})
    untouched(es, faces, "1")


def test_faces_of_another_model_than_the_pinned_one_are_refused(
    es, faces, whole, bulk, pipeline, good, running
):
    bulk({"1": good})
    finished = whole(faces, "1")
    items = bulk({"2": finished, "3": good}, pipeline=pipeline(model="facenet-00000000", on_error="keep"))
    assert items["2"]["status"] == 400
    assert {running.model, "facenet-00000000"} <= bracketed(innermost(items["2"]["error"]))
    assert not es.exists(index=faces, id="2")


def test_a_pipeline_pinned_to_a_model_that_is_not_served_gets_429_with_both_models(
    es, faces, bulk, pipeline, good, running
):
    items = bulk({"1": good}, pipeline=pipeline(model="facenet-00000000"))
    assert items["1"]["status"] == 429
    assert {"409", "facenet-00000000", running.model} <= bracketed(innermost(items["1"]["error"]))
    assert not es.exists(index=faces, id="1")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"feild": "image"}, {"face", "feild"}),
        ({"on_error": "ignore"}, {"on_error", "ignore", "keep, fail"}),
        ({"remove_binary": "maybe"}, {"remove_binary"}),
        ({"on_unavailable": "wait"}, {"on_unavailable", "wait", "fail, keep"}),
        ({"field": 7}, {"field"}),
        ({"target_field": "a..b"}, {"target_field", "a..b"}),
        ({"max_faces": 0}, {"max_faces", "1", "1000", "0"}),
        ({"min_quality": "high"}, {"min_quality", "high"}),
        ({"identify": {"k": 3}}, {"identify", "index"}),
        ({"identify": {"index": "face-gallery", "filter": {"trem": {"tags": "watch"}}}}, {"trem"}),
    ],
)
def test_a_wrong_pipeline_option_is_refused_when_the_pipeline_is_put(es, options, named):
    with pytest.raises(BadRequestError) as raised:
        es.ingest.put_pipeline(id="wrong", processors=[{"face": options}])
    assert named <= bracketed(json.dumps(raised.value.body["error"]))


def test_a_pipeline_whose_endpoint_is_not_configured_is_refused_with_the_configured_ones(es):
    with pytest.raises(BadRequestError) as raised:
        es.ingest.put_pipeline(id="wrong", processors=[{"face": {"endpoint": "http://evil.example"}}])
    assert {"http://evil.example", "default"} <= bracketed(raised.value.body["error"]["reason"])


def test_an_endpoint_whose_setting_is_gone_refuses_with_429_and_names_the_setting(
    es, faces, bulk, pipeline, good
):
    setting = "face.endpoint.elsewhere.urls"
    es.cluster.put_settings(persistent={setting: "http://127.0.0.1:9"})
    through = pipeline(endpoint="elsewhere")
    es.cluster.put_settings(persistent={setting: None})
    items = bulk({"1": good}, pipeline=through)
    assert items["1"]["status"] == 429
    assert f"[{setting}]" in innermost(items["1"]["error"])
    (node,) = face_stats(es)["nodes"].values()
    assert node["endpoints"]["elsewhere"]["configured"] is False
    assert f"[{setting}]" in node["endpoints"]["elsewhere"]["message"]
