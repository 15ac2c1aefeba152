"""Every request and recipe of docs/queries.md, run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dev_tools import console, requests, send
from elasticsearch import ConflictError
from tools import encoded, picture, python, scene, side_by_side

PAGE = (Path(__file__).parents[2] / "docs" / "queries.md").read_text()
POSSIBLE = (1 + 0.46) / 2


@pytest.fixture
def run(es):
    """Runs a scene with a photo; returns the last answer."""

    def last(name: str, photo: bytes | Path = b"") -> dict:
        return console(es, scene(PAGE, name), photo=encoded(photo), group=encoded(photo))[-1]

    return last


def ids(answer: dict) -> list[str]:
    return [hit["_id"] for hit in answer["hits"]["hits"]]


def test_every_scene_of_the_page_is_run_here():
    tests = Path(__file__).read_text()
    scenes = re.findall(r"<!-- scene: (.*?) -->", PAGE)
    assert len(scenes) == PAGE.count("```") // 2
    assert [name for name in scenes if f'"{name}"' not in tests] == []


def test_inner_hits_name_the_face_that_matched(es, archive, run, photos):
    answer = run("the face that matched", photos["Ann"][4])
    found = {hit["_id"]: hit["inner_hits"]["faces"]["hits"]["hits"] for hit in answer["hits"]["hits"]}
    (face,) = found["ann-0"]
    assert face["_source"]["label"] == {"name": "Ann"}
    (face,) = found["team"]
    left, right = sorted(
        es.get(index=archive, id="team")["_source"]["faces"], key=lambda one: one["box"]["x"]
    )
    assert face["_source"]["id"] == left["id"] != right["id"]
    assert set(face["_source"]) == {"id", "box", "quality"}


def test_several_indices_are_searched_though_one_has_no_faces(
    es, archive, gallery, bulk, own_index, run, photos
):
    own_index("unrelated", mappings={"properties": {"vector": {"type": "keyword"}}})
    bulk({"ann": {"image": encoded(photos["Ann"][0]), "person": {"name": "Ann"}}}, index=gallery)
    answer = run("several archives", photos["Ann"][4])
    assert {"ann-0", "ann-1", "ann-2", "team"} <= set(ids(answer))
    assert "ann" not in ids(answer)
    assert answer["hits"]["hits"][0]["inner_hits"]["faces"]["hits"]["total"]["value"] == 1
    both = run("archives and portraits", photos["Ann"][4])
    assert {"ann", "ann-0", "team"} <= set(ids(both))
    for found in (answer, both):
        assert found["_shards"]["failed"] == 0


def test_filters_of_the_photo_narrow_the_search(archive, run, photos):
    named = run("by person", photos["Ben"][4])
    assert set(ids(named)) == {"ann-0", "ann-1", "ann-2"}
    assert all(hit["fields"] == {"people": ["Ann"]} for hit in named["hits"]["hits"])
    assert set(ids(run("by date", photos["Ann"][4]))) == {"ann-1", "ben-1", "cara-1", "dan-1"}
    answer = run("by observer and quality", photos["Ann"][4])
    assert ids(answer)[0] in ("ann-1", "ann-2")
    for hit in answer["hits"]["hits"]:
        assert hit["_source"]["observer"]["name"] in ("gate 3", "gate 4")
        assert hit["_source"]["best_quality"] >= 0.5
    assert "ann-0" not in ids(answer)


def test_a_filter_on_a_face_finds_nothing_in_an_archive_before_elasticsearch_9(es, archive, photos, version):
    knn = {
        "field": "faces.vector",
        "k": 10,
        "num_candidates": 100,
        "query_vector_builder": {"face": {"image": encoded(photos["Ben"][4])}},
        "filter": {"term": {"faces.label.name": "Ann"}},
    }
    found = set(ids(es.search(index=archive, knn=knn)))
    assert found == (set() if version.startswith("8.") else {"ann-0", "ann-1", "ann-2"})


def test_the_gallery_can_be_filtered_by_anything(gallery, bulk, run, photos):
    tags = {"Ann": ["watch"], "Ben": ["staff"], "Cara": ["watch"]}
    portraits = {
        name: {"image": encoded(photos[name][0]), "person": {"name": name}, "tags": kinds}
        for name, kinds in tags.items()
    }
    bulk(portraits, index=gallery)
    assert ids(run("filters in the gallery", photos["Ann"][4])) == ["Ann"]
    assert ids(run("filters in the gallery", photos["Ben"][4])) == []
    assert ids(run("filters in the gallery", photos["Cara"][4])) == []


def test_a_cut_off_leaves_out_whoever_looks_different(archive, run, photos):
    answer = run("cut-off", photos["Ann"][4])
    assert set(ids(answer)) == {"ann-0", "ann-1", "ann-2", "team"}
    assert all(hit["_score"] >= POSSIBLE for hit in answer["hits"]["hits"])


def test_pages_follow_each_other(es, archive, run, photos):
    knn = {
        "field": "faces.vector",
        "k": 10,
        "num_candidates": 100,
        "query_vector_builder": {"face": {"image": encoded(photos["Ann"][4])}},
    }
    assert ids(run("second page", photos["Ann"][4])) == ids(es.search(index=archive, knn=knn, size=10))[5:]
    scores = [hit["sort"][0] for hit in run("search after")["hits"]["hits"]]
    assert len(scores) == 5
    assert max(scores) < POSSIBLE
    assert scores == sorted(scores, reverse=True)


def test_several_faces_of_one_photo_are_several_queries(archive, run, photos):
    together = picture(side_by_side([photos["Ann"][4], photos["Ben"][4]]), quality=92)
    answer = run("any of two faces", together)
    assert ids(answer)[0] == "team"
    assert {key.split("-")[0] for key in ids(answer)[1:]} == {"ann", "ben"}
    inner = answer["hits"]["hits"][0]["inner_hits"]
    boxes = [inner[name]["hits"]["hits"][0]["_source"]["box"] for name in ("first", "second")]
    assert boxes[0] != boxes[1]
    assert ids(run("both faces", together)) == ["team"]


def test_what_was_found_can_be_counted(archive, run, photos):
    counted = run("counting", photos["Ann"][4])["aggregations"]
    months = [bucket["key_as_string"][:7] for bucket in counted["when"]["buckets"] if bucket["doc_count"]]
    assert months[:3] == ["2026-04", "2026-05", "2026-06"]
    assert {bucket["key"] for bucket in counted["where"]["buckets"]} == {"gate 2", "gate 3", "gate 4"}
    assert counted["with whom"]["buckets"] == [{"key": "Ann", "doc_count": 3}]


def test_enrolling_probing_and_the_watch_list(archive, gallery, probes, bulk, run, photos):
    assert run("enrol", photos["Ann"][0])["result"] == "created"
    bulk({"ben": {"image": encoded(photos["Ben"][0]), "person": {"name": "Ben"}}}, index=gallery)
    together = picture(side_by_side([photos["Ann"][4], photos["Dan"][4]]), quality=92)
    stored = run("probe", together)["_source"]
    assert stored["face_count"] == 2
    (face,) = [face for face in stored["faces"] if "match" in face]
    assert face["match"]["name"] == "Ann"
    assert face["match"]["gallery_id"] == "ann-passport"
    assert face["match"]["tags"] == ["watch"]
    assert face["match"]["similarity"] == stored["best_similarity"] >= 0.46
    assert face["candidates"][0] == face["match"]
    (hit,) = run("watch list")["hits"]["hits"]
    assert hit["_id"] == "gate-3-0001"
    assert hit["fields"]["matched_people"] == ["Ann"]
    assert hit["fields"]["observer.name"] == ["gate 3"]
    assert ids(run("look up", photos["Ann"][4])) == ["ann-passport"]
    largest = stored["faces"][0].get("match", {"name": "Dan"})["name"].lower()
    found = {key.split("-")[0] for key in ids(run("from a probe to the archive"))}
    assert found - {"team"} == {largest}


def test_whoever_is_possible_and_no_match_is_found_for_a_person(
    es, gallery, probes, bulk, run, photos, calibrate
):
    bulk({"ann": {"image": encoded(photos["Ann"][0]), "person": {"name": "Ann"}}}, index=gallery)
    photo = {"possible": photos["Ann"][4], "sure": photos["Ann"][0], "nobody": photos["Ben"][4]}
    calibrate(gallery, 0.95, logistic={"slope": 22, "offset": -8.7})
    bulk({key: {"image": encoded(path)} for key, path in photo.items()}, index=probes)
    (hit,) = run("possible matches")["hits"]["hits"]
    assert hit["_id"] == "possible"
    ((face,),) = [one["hits"]["hits"] for one in hit["inner_hits"].values()]
    (candidate,) = face["_source"]["candidates"]
    assert candidate["name"] == "Ann"
    assert candidate["probability"] > 0.5


def test_a_watched_person_among_the_candidates_is_found_until_a_person_decides(
    es, gallery, probes, bulk, run, photos, calibrate, whole
):
    portraits = {"ann": ("Ann", ["watch"]), "ben": ("Ben", [])}
    bulk(
        {
            key: {"image": encoded(photos[name][0]), "person": {"name": name}, "tags": tags}
            for key, (name, tags) in portraits.items()
        },
        index=gallery,
    )
    calibrate(gallery, 0.95, logistic={"slope": 22, "offset": -8.7})
    photo = {name.lower(): {"image": encoded(photos[name][4])} for name in ("Ann", "Ben", "Dan")}
    bulk(photo, index=probes)
    assert run("watch list")["hits"]["hits"] == []
    (hit,) = run("watched candidates")["hits"]["hits"]
    assert hit["_id"] == "ann"
    assert hit["fields"]["candidate_people"] == ["Ann"]
    (face,) = hit["inner_hits"]["faces"]["hits"]["hits"]
    assert face["_source"]["candidates"][0]["tags"] == ["watch"]
    near = {"range": {"faces.candidates.similarity": {"gte": hit["fields"]["best_similarity"][0] - 0.001}}}
    assert "ann" in ids(es.search(index=probes, query={"nested": {"path": "faces", "query": near}}))
    es.update(index=probes, id="ann", doc={"faces": [whole(probes, "ann")["faces"][0] | {"ignored": True}]})
    es.indices.refresh(index=probes)
    assert run("watched candidates")["hits"]["hits"] == []


def test_an_ignored_face_is_reviewed_no_more_until_that_is_taken_back(
    es, gallery, probes, bulk, run, photos, calibrate, whole
):
    bulk({"ann": {"image": encoded(photos["Ann"][0]), "person": {"name": "Ann"}}}, index=gallery)
    calibrate(gallery, 0.95)
    bulk({"alone": {"image": encoded(photos["Ann"][4])}}, index=probes)
    for ignored, reviewed in ((True, []), (False, ["alone"]), (True, []), (None, ["alone"])):
        (face,) = whole(probes, "alone")["faces"]
        es.update(index=probes, id="alone", doc={"faces": [face | {"ignored": ignored}]}, refresh=True)
        assert ids(run("possible matches")) == reviewed
        after = whole(probes, "alone")
        assert (after["undecided_faces"], after["unnamed_faces"]) == (len(reviewed), len(reviewed))
        assert after["faces"][0].get("ignored") == (ignored or None)


@pytest.mark.parametrize("field", ["label", "not"])
def test_whoever_was_confirmed_or_rejected_is_reviewed_no_more(
    es, gallery, probes, bulk, run, photos, calibrate, running, whole, field
):
    bulk({"ann": {"image": encoded(photos["Ann"][0]), "person": {"name": "Ann"}}}, index=gallery)
    calibrate(gallery, 0.95)
    together = picture(side_by_side([photos["Ann"][4], photos["Ben"][4]]), quality=92)
    bulk(
        {"alone": {"image": encoded(photos["Ann"][4])}, "together": {"image": encoded(together)}},
        index=probes,
    )
    assert set(ids(run("possible matches"))) == {"alone", "together"}
    (face,) = [face for face in whole(probes, "together")["faces"] if "candidates" in face]
    assert whole(probes, "together")["undecided_faces"] == 1
    script = scene(PAGE, "label a face")
    python(running.connection.es_url, script, probes, "together", face["id"], field, "Ann")
    assert ids(run("possible matches")) == ["alone"]
    after = whole(probes, "together")
    (decided,) = [face for face in after["faces"] if "candidates" in face]
    assert decided[field] == {"label": {"name": "Ann"}, "not": ["Ann"]}[field]
    assert after["undecided_faces"] == 0


def test_naming_a_probe_of_one_face_confirms_it(es, gallery, probes, bulk, run, photos, calibrate):
    bulk({"ann": {"image": encoded(photos["Ann"][0]), "person": {"name": "Ann"}}}, index=gallery)
    calibrate(gallery, 0.95)
    bulk({"gate-3-0001": {"image": encoded(photos["Ann"][4])}}, index=probes)
    assert ids(run("possible matches")) == ["gate-3-0001"]
    assert run("confirm")["result"] == "updated"
    assert ids(run("possible matches")) == []


def test_a_photo_is_named_by_whoever_saw_it_last(es, faces, photos):
    es.index(index=faces, id="beach-7", document={"image": encoded(photos["Ann"][0])})
    see, name = requests(scene(PAGE, "name a photo"))
    seen = send(es, see)
    numbers = {"seq_no": seen["_seq_no"], "primary_term": seen["_primary_term"]}
    assert send(es, name, **numbers)["result"] == "updated"
    stored = es.get(index=faces, id="beach-7")["_source"]
    assert stored["person"] == {"name": "Ann"}
    assert stored["face_count"] == 1
    assert stored["faces"][0]["label"] == {"name": "Ann"}
    assert stored["unnamed_faces"] == 0
    people = es.search(index=faces, aggs={"who": {"terms": {"field": "people"}}})["aggregations"]["who"]
    assert people["buckets"] == [{"key": "Ann", "doc_count": 1}]
    es.update(index=faces, id="beach-7", doc={"person": {"name": "Bea"}}, refresh=True)
    corrected = es.search(index=faces, aggs={"who": {"terms": {"field": "people"}}})["aggregations"]["who"]
    assert corrected["buckets"] == [{"key": "Bea", "doc_count": 1}]
    with pytest.raises(ConflictError):
        send(es, name, **numbers)


def test_a_face_of_several_is_labelled_and_no_vector_is_lost(es, archive, running, whole):
    before = whole(archive, "team")
    face = before["faces"][1]
    python(
        running.connection.es_url, scene(PAGE, "label a face"), archive, "team", face["id"], "label", "Zoe"
    )
    after = es.get(index=archive, id="team")["_source"]
    assert [one.get("label") for one in after["faces"]] == [None, {"name": "Zoe"}]
    assert (before["unnamed_faces"], after["unnamed_faces"]) == (2, 1)
    knn = {"field": "faces.vector", "k": 1, "num_candidates": 50, "filter": {"term": {"people": "Zoe"}}}
    for one in before["faces"]:
        (hit,) = es.search(index=archive, knn=knn | {"query_vector": one["vector"]})["hits"]["hits"]
        assert hit["_id"] == "team"
        assert hit["_score"] == pytest.approx(1, abs=1e-4)


def test_decisions_that_wait_for_a_face_are_found(es, archive, run, whole):
    assert ids(run("unplaced")) == []
    stored = whole(archive, "ann-0")
    stored["faces"][0]["not"] = ["Bea"]
    es.index(index=archive, id="ann-0", document=stored | {"image": "?"}, refresh=True)
    (hit,) = run("unplaced")["hits"]["hits"]
    assert hit["_id"] == "ann-0"
    assert hit["_source"]["error"] == {"code": "not_base64"}
    ((waiting),) = hit["_source"]["unplaced"]
    assert waiting["not"] == ["Bea"]
