"""An index with a synthetic `_source`, in which an array of one element comes back as an object."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tools import encoded, landscape, mapping_of, picture, python, scene

PAGE = (Path(__file__).parents[2] / "docs" / "queries.md").read_text()
SYNTHETIC = {"index.mapping.source.mode": "synthetic"}


@pytest.fixture
def synthetic(own_index, attach) -> str:
    own_index("synthetic", settings=SYNTHETIC)
    assert attach("synthetic", "--field", "image", "--remove-binary")[0] == 0
    return "synthetic"


def test_labels_and_decisions_outlive_updates(es, synthetic, whole, good, group_photo):
    es.index(index=synthetic, id="one", document=good | {"person": {"name": "Zoe"}, "tags": ["mine"]})
    es.index(index=synthetic, id="three", document={"image": encoded(group_photo)})
    es.index(index=synthetic, id="none", document={"image": encoded(picture(landscape()))})
    three = whole(synthetic, "three")
    three["faces"][0] |= {"label": {"name": "Ann"}}
    three["faces"][1] |= {"not": ["Bea"]}
    es.update(index=synthetic, id="three", doc={"faces": three["faces"]})
    before = {key: whole(synthetic, key) for key in ("one", "three", "none")}
    assert isinstance(before["one"]["faces"], dict)
    for number in range(2):
        for key in before:
            es.update(index=synthetic, id=key, doc={"mine": number}, refresh=True)
    assert {key: whole(synthetic, key) for key in before} == {
        key: source | {"mine": 1} for key, source in before.items()
    }
    assert before["one"]["faces"]["label"] == {"name": "Zoe"}
    assert [face.get("label") for face in before["three"]["faces"]] == [{"name": "Ann"}, None, None]
    assert es.count(index=synthetic, query={"term": {"people": "Ann"}})["count"] == 1
    es.index(index=synthetic, id="three", document=whole(synthetic, "three") | {"image": encoded(b"?")})
    assert len(whole(synthetic, "three")["unplaced"]) == 2
    again = whole(synthetic, "three") | {"image": encoded(group_photo)}
    es.index(index=synthetic, id="three", document=again)
    assert [face.get("label") for face in whole(synthetic, "three")["faces"]] == [{"name": "Ann"}, None, None]
    assert "unplaced" not in whole(synthetic, "three")


def test_search_and_explore_read_it(es, synthetic, run, photos, tmp_path):
    for name in ("Ann", "Ben", "Cara"):
        for number in range(3):
            body = {"image": encoded(photos[name][number]), "person": {"name": name}}
            es.index(index=synthetic, id=f"{name}-{number}", document=body | {"observer": {"name": "gate 3"}})
    es.indices.refresh(index=synthetic)
    status, out, _ = run("search", photos["Ann"][4], "--index", synthetic, "--json")
    assert status == 0
    assert [match["name"] for match in json.loads(out)["matches"][:3]] == ["Ann"] * 3
    status, _, _ = run("explore", "--index", synthetic, "--out", tmp_path / "out")
    assert status == 0


def test_the_request_that_labels_a_face_and_the_candidates_of_a_probe(
    es, own_index, gallery, whole, running, bulk, photos
):
    bulk({"ann": {"image": encoded(photos["Ann"][0]), "person": {"name": "Ann"}}}, index=gallery)
    mapping = mapping_of(es, "face-probes")
    own_index("face-probes-synthetic", settings=SYNTHETIC, mappings=mapping)
    document = {"image": encoded(photos["Ann"][1])}
    es.index(index="face-probes-synthetic", id="1", document=document, pipeline="face-probes", refresh=True)
    stored = whole("face-probes-synthetic", "1")["faces"]
    each = {"path": "faces", "query": {"match_all": {}}, "inner_hits": {"_source": ["faces.candidates"]}}
    (probe,) = es.search(index="face-probes-synthetic", query={"nested": each})["hits"]["hits"]
    (face,) = probe["inner_hits"]["faces"]["hits"]["hits"]
    assert [candidate["name"] for candidate in face["_source"]["candidates"]] == ["Ann"], (
        "as boards read them"
    )
    script = scene(PAGE, "label a face")
    for name in ("Bea", "Cara"):
        python(running.connection.es_url, script, "face-probes-synthetic", "1", stored["id"], "not", name)
    assert whole("face-probes-synthetic", "1")["faces"]["not"] == ["Bea", "Cara"]
