"""`faces reembed`: another model for an index, on real servers and with real networks."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from reembed_fixtures import Cluster
from tools import encoded, mapping_of

INDICES = {"faces": "faces-00000", "face-gallery": "face-gallery-00000", "face-probes": "face-probes-00000"}


def cosine(one: list[float], other: list[float]) -> float:
    return float(np.dot(one, other))


def said_of(document: dict) -> list[dict]:
    wanted = ("id", "box", "landmarks", "label", "not", "ignored", "drawn", "crop", "mine")
    return [{name: face[name] for name in wanted if name in face} for face in document["faces"]]


def test_everything_comes_along_with_vectors_of_the_new_model(filled: Cluster, album, fresh, tmp_path):
    es = filled.es
    assert filled.run("label", "ann-0", "--name", "Ann")[0] == 0
    assert filled.run("label", "team", "--face", 1, "--name", "Ann", "--index", "faces")[0] == 0
    assert filled.run("ignore", "team", "--face", 2, "--index", "faces")[0] == 0
    es.update(index="faces-000001", id="ben-0", doc={"tags": ["trip"], "rating": 4}, refresh=True)
    photos = tmp_path / "photos"
    (photos / "2026").mkdir(parents=True)
    for name in ("team", "ben-1"):
        shutil.copy(album.files[name], photos / "2026")
    before = filled.documents("faces")

    answer = filled.reembed("--photos", photos)
    assert answer["state"] == "settled"
    assert answer["indices"] == [
        {"old": f"{prefix}1", "new": f"{prefix}2"} for prefix in sorted(INDICES.values())
    ]
    assert answer["vectors"] == {"document": 1, "file": 4, "url": 0, "crop": 11}
    assert answer["copied"] == 12
    for alias, prefix in INDICES.items():
        assert filled.behind(alias) == [f"{prefix}2"]
        facts = mapping_of(es, alias)["_meta"]["ingest_face"]
        assert (facts["model"], facts["reembedded_from"]) == (filled.new.model, f"{prefix}1")
        assert "calibration" not in facts
    after = filled.documents("faces")
    assert after.keys() == before.keys()
    for key, document in after.items():
        assert said_of(document) == said_of(before[key])
        assert document["model"]["id"] == filled.new.model
        least = 0.9999 if key in ("cara-1", "team", "ben-1") else 0.8
        for face, vector in zip(document["faces"], fresh(key), strict=True):
            assert cosine(face["vector"], vector) > least, key
        assert document["model"].get("source") == (None if least > 0.99 else "crop")
        rest = {name: value for name, value in document.items() if name not in ("faces", "model")}
        assert rest == {name: value for name, value in before[key].items() if name not in ("faces", "model")}
    assert es.count(index="faces", query={"term": {"people": "Ann"}})["count"] == 2
    [probe] = filled.documents("face-probes").values()
    [matched] = [face["match"] for face in probe["faces"] if "match" in face]
    assert (matched["name"], probe["undecided_faces"]) == ("Ann", 1)

    # From now on everything works with the new model, as after `faces install`.
    status, out, err = filled.run("search", album.files["cara-1"], "--json", faces_url=filled.new.url)
    assert status == 0, err
    assert json.loads(out)["matches"][0]["similarity"] == pytest.approx(1, abs=1e-3)
    es.index(index="faces", id="new", document={"image": encoded(album.files["cara-2"])}, refresh=True)
    assert len(es.get(index="faces", id="new", source_includes="*")["_source"]["faces"][0]["vector"]) == 256
    assert filled.run("label", "cara-0", "--name", "Cara", faces_url=filled.new.url)[0] == 0
    assert filled.run("install", "--dry-run", faces_url=filled.new.url)[0] == 0
    status, out, _ = filled.run("status", faces_url=filled.new.url)
    assert status == 0, out
    assert filled.reembed()["indices"] == [], "there is nothing left to do"
