"""The processor `face_check` and the final pipeline, where everybody may write faces."""

from __future__ import annotations

import pytest
from elasticsearch import BadRequestError
from tools import encoded


def test_without_security_faces_pass_as_they_are(es, faces, whole, good):
    es.index(index=faces, id="1", document=good)
    document = whole(faces, "1") | {"matched_people": ["Ann"]}
    for key, pipeline in (("2", None), ("3", "_none")):
        es.index(index=faces, id=key, document=document, pipeline=pipeline)
        assert whole(faces, key) == document


def test_a_photo_whose_service_is_away_is_kept_with_its_error(es, pipeline, own_index, portrait):
    kept = pipeline(endpoint="default", on_unavailable="keep", model="facenet-00000000")
    own_index("faces-kept", settings={"index.default_pipeline": kept})
    es.index(index="faces-kept", id="1", document={"image": encoded(portrait), "face_count": 7})
    found = es.get(index="faces-kept", id="1")["_source"]
    assert found["error"]["code"] == "unavailable"
    assert "face_count" not in found


def test_both_processors_can_be_simulated(es, running, portrait):
    processors = [{"face": {"model": running.model}}, {"face_check": {}}]
    documents = [{"_index": "faces", "_source": {"image": encoded(portrait), "people": "Ann"}}]
    for verbose in (False, True):
        answer = es.ingest.simulate(pipeline={"processors": processors}, docs=documents, verbose=verbose)
        (result,) = answer["docs"]
        last = result["processor_results"][-1]["doc"] if verbose else result["doc"]
        assert last["_source"]["face_count"] == 1


@pytest.mark.parametrize("options", [{"allow": "people"}, {"target_field": "a..b"}, {"fields": []}])
def test_a_wrong_option_is_refused(es, options):
    with pytest.raises(BadRequestError) as refused:
        es.ingest.put_pipeline(id="wrong", processors=[{"face_check": options}])
    assert set(options) <= set(str(refused.value.body["error"]).replace("[", " ").replace("]", " ").split())
