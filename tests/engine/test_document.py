"""What the pipeline stores of a document."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import numpy as np
import pytest
from PIL import Image
from tools import encoded, landscape, picture


def test_a_photo_becomes_a_document_with_its_face_its_model_and_its_outcome(
    es, faces, whole, portrait, running
):
    sent = {
        "image": encoded(portrait),
        "file": {"path": "a/b.jpg"},
        "observer": {"name": "gate 3"},
        "mine": 7,
    }
    es.index(index=faces, id="1", document=sent)
    stored = whole(faces, "1")
    assert "image" not in stored
    assert stored["mine"] == 7
    assert stored["observer"] == {"name": "gate 3"}
    assert stored["file"]["path"] == "a/b.jpg"
    assert stored["file"]["size"] == portrait.stat().st_size
    assert stored["file"]["mime_type"] == "image/jpeg"
    (face,) = stored["faces"]
    assert face["id"] == stored["file"]["hash"]["sha256"][:16] + "-0"
    assert len(face["vector"]) == 128
    assert set(face) == {"id", "vector", "box", "confidence", "quality", "landmarks", "crop"}
    assert stored["face_count"] == stored["unnamed_faces"] == 1
    assert stored["best_quality"] == face["quality"]["score"]
    assert stored["model"]["id"] == running.model
    assert len(stored["model"]["digest"]) == 64
    assert stored["model"]["precision"] == "fp32"
    assert stored["event"]["outcome"] == "success"
    assert stored["event"]["duration"] > 0
    assert stored["@timestamp"] == stored["event"]["ingested"]
    assert "lag" not in stored["event"]
    assert len(stored["thumbnail"]) > 1000
    with Image.open(portrait) as image:
        assert (stored["photo"]["width"], stored["photo"]["height"]) == image.size


def test_the_timestamp_is_the_senders_else_the_cameras_else_now(es, faces, portrait):
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2004:05:01 12:30:00"
    dated = encoded(picture(Image.open(portrait).convert("RGB"), exif=exif))
    es.index(index=faces, id="sender", document={"image": dated, "@timestamp": "2001-02-03T04:05:06Z"})
    es.index(index=faces, id="camera", document={"image": dated})
    assert es.get(index=faces, id="sender")["_source"]["@timestamp"] == "2001-02-03T04:05:06Z"
    camera = es.get(index=faces, id="camera")["_source"]
    assert camera["@timestamp"] == camera["photo"]["taken"] == "2004-05-01T12:30:00"
    moment(camera["event"]["ingested"])


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def test_the_lag_is_the_time_from_the_senders_timestamp_to_the_ingest(es, faces, good):
    sent = {
        "late": "2001-02-03T04:05:06Z",
        "millis": 981173106000,
        "ahead": (datetime.now(timezone.utc) + timedelta(days=1)).isoformat(),
    }
    for key, timestamp in sent.items():
        es.index(index=faces, id=key, document=good | {"@timestamp": timestamp})
    es.index(index=faces, id="broken", document={"image": "?", "@timestamp": sent["late"]})
    es.index(index=faces, id="unknown", document={"image": "?"})
    es.indices.refresh(index=faces)
    events = {
        hit["_id"]: hit["_source"]["event"]
        for hit in es.search(index=faces, source=["event"])["hits"]["hits"]
    }
    for key in ("late", "millis", "broken"):
        late = moment(events[key]["ingested"]) - moment(sent["late"])
        assert events[key]["lag"] == late // timedelta(microseconds=1) * 1000
    assert -timedelta(days=1) / timedelta(microseconds=1) * 1000 <= events["ahead"]["lag"] < 0
    assert "lag" not in events["unknown"]
    ahead = es.search(index=faces, query={"range": {"event.lag": {"lt": 0}}})["hits"]["hits"]
    assert [hit["_id"] for hit in ahead] == ["ahead"]


def test_a_persons_name_labels_the_face_only_if_there_is_one(es, faces, portrait, group_photo):
    es.index(index=faces, id="one", document={"image": encoded(portrait), "person": {"name": "Ben"}})
    es.index(
        index=faces,
        id="three",
        document={"image": encoded(group_photo), "person": {"name": "Ben"}},
        refresh=True,
    )
    assert es.get(index=faces, id="one")["_source"]["faces"][0]["label"] == {"name": "Ben"}
    assert all("label" not in face for face in es.get(index=faces, id="three")["_source"]["faces"])
    unnamed = {key: es.get(index=faces, id=key)["_source"]["unnamed_faces"] for key in ("one", "three")}
    assert unnamed == {"one": 0, "three": 3}
    people = es.search(index=faces, size=0, aggs={"who": {"terms": {"field": "people"}}})["aggregations"][
        "who"
    ]
    assert people["buckets"] == [{"key": "Ben", "doc_count": 2}]


def test_a_photo_without_a_face_is_stored_with_none_and_a_tag(es, faces):
    document = {"image": encoded(picture(landscape())), "tags": ["holiday"]}
    es.index(index=faces, id="1", document=document)
    stored = es.get(index=faces, id="1")["_source"]
    assert stored["faces"] == []
    assert stored["face_count"] == stored["unnamed_faces"] == 0
    assert stored["tags"] == ["holiday", "no_face"]
    assert stored["event"]["outcome"] == "success"
    assert "best_quality" not in stored
    assert "image" not in stored


def test_remove_binary_false_keeps_the_photo(es, faces, pipeline, good):
    es.index(index=faces, id="1", document=good, pipeline=pipeline(remove_binary=False))
    stored = es.get(index=faces, id="1")["_source"]
    assert stored["image"] == good["image"]
    assert stored["face_count"] == 1


def test_another_field_can_hold_the_photo(es, faces, pipeline, portrait):
    es.index(
        index=faces,
        id="1",
        document={"picture": {"raw": encoded(portrait)}},
        pipeline=pipeline(field="picture.raw"),
    )
    assert es.get(index=faces, id="1")["_source"]["face_count"] == 1


def test_every_field_that_is_written_is_mapped_explicitly(es, faces, portrait, group_photo):
    """Ingest adds no field to the mapping."""
    before = es.indices.get_mapping(index="faces-000001")["faces-000001"]["mappings"]
    es.index(index=faces, id="1", document={"image": encoded(portrait), "person": {"name": "Ben"}})
    es.index(index=faces, id="2", document={"image": encoded(group_photo)})
    es.index(index=faces, id="3", document={"image": encoded(picture(landscape()))})
    es.index(index=faces, id="4", document={"image": "?"})
    assert es.indices.get_mapping(index="faces-000001")["faces-000001"]["mappings"] == before


def test_similarities_are_exact_although_the_vectors_are_quantized(es, faces, whole, people):
    photos = [path for own in people.values() for path in own[:4]]
    for number, path in enumerate(photos):
        es.index(index=faces, id=str(number), document={"image": encoded(path)})
    es.indices.refresh(index=faces)
    vectors = {
        str(number): np.array([face["vector"] for face in whole(faces, str(number))["faces"]])
        for number in range(len(photos))
    }
    query = vectors["0"][0]
    knn = {"field": "faces.vector", "k": 20, "num_candidates": 100, "query_vector": query.tolist()}
    for hit in es.search(index=faces, knn=knn, size=20)["hits"]["hits"]:
        assert 2 * hit["_score"] - 1 == pytest.approx((vectors[hit["_id"]] @ query).max(), abs=1e-5)


def test_simulate_shows_what_would_be_stored(es, good):
    (answer,) = es.ingest.simulate(id="faces", docs=[{"_source": good}])["docs"]
    assert answer["doc"]["_source"]["face_count"] == 1
