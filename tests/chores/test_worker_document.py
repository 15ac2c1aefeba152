"""`faces worker` stores the document that the plugin stores, field by field."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from elasticsearch import Elasticsearch
from plain_fixtures import comparable
from tools import encoded, landscape, picture, side_by_side

from es_setup.client_side import WORKER
from es_setup.models import record

SENT = {
    "nothing": {},
    "name": {"person": {"name": " Ann "}, "tags": "stage", "@timestamp": "2026-04-15T12:00:00Z"},
    "dots": {"person.name": ["Ann"], "file.path": "a/b.jpg", "tags": ["a", "no_face"]},
    "forms": {
        "person": [{"name": "Zoe\u0301"}],
        "file": {"name": "e\u0301.jpg", "size": 4711},
        "own": {"x": 1},
    },
    "names": {"person": {"name": ["Ann", "Ben"], "team": "red"}, "photo": {"caption": "us", "width": 1}},
    "nulls": {"person": None, "file": None, "photo": None, "model": None, "event": None, "tags": None},
    "empty": {"person": {"name": ""}, "observer": {"name": "gate 3"}, "event": {"kind": "event"}},
    "faces": {
        "faces": [{"label": {"name": "Ann"}, "box": {"x": 0, "y": 0, "width": 9, "height": 9}, "own": 1}]
    },
    "forged": {
        "unplaced": [{"label": {"name": "Cara"}}],
        "face_count": 7,
        "thumbnail": "forged",
        "model": {"v": 2},
    },
}
"""What senders say beside a photo."""
NO_PHOTOS = {"text": "%%%", "words": "bm8gcGhvdG8=", "empty": "", "list": ["aaaa"], "number": 17}


def sources(client: Elasticsearch, index: str) -> dict[str, dict]:
    """All documents by id, with the vectors, which Elasticsearch 9 leaves out by default."""
    client.indices.refresh(index=index)
    everything = {"includes": ["*"], "exclude_vectors": False}
    hits = client.search(index=index, size=100, source=everything)["hits"]["hits"]
    return {hit["_id"]: hit["_source"] for hit in hits}


@pytest.fixture
def both(es: Elasticsearch, plain: Elasticsearch, faces, gallery, probes, without) -> Callable[..., dict]:
    """Stores documents on the node with the plugin, and on the other with `faces worker`; returns each pair
    that is stored then, by id."""

    def store(index: str, documents: dict[str, dict]) -> dict[str, tuple[dict, dict]]:
        operations: list[dict] = []
        for key, document in documents.items():
            operations += [{"index": {"_index": index, "_id": key}}, document]
        for client in (es, plain):
            answer = client.bulk(operations=operations, refresh=True)
            assert not answer["errors"], answer
        code, _, err = without("worker", "--once")
        assert code == 0, err
        plugin, worker = (sources(client, index) for client in (es, plain))
        return {key: (comparable(plugin[key]), comparable(worker[key])) for key in documents}

    return store


@pytest.fixture
def team(photos) -> bytes:
    return picture(side_by_side([photos["Ann"][0], photos["Ben"][0]]), quality=92)


def test_photos_with_whatever_their_senders_say(both, photos, team):
    portrait, group, sky = encoded(photos["Ann"][0]), encoded(team), encoded(picture(landscape()))
    documents = {key: {"image": portrait, **sent} for key, sent in SENT.items()}
    documents["group"] = {"image": group}
    documents["named group"] = {"image": group, "person": {"name": "Ann"}}
    documents["sky"] = {"image": sky, "tags": ["sky"]}
    documents["data"] = {"image": f"data:image/jpeg;base64,{portrait}"}
    stored = both("faces", documents)
    for key, (plugin, worker) in stored.items():
        assert worker == plugin, key
    assert {key: plugin["face_count"] for key, (plugin, _) in stored.items()} == {
        **dict.fromkeys([*SENT, "data"], 1),
        "group": 2,
        "named group": 2,
        "sky": 0,
    }
    assert "image" not in stored["name"][1]


def test_what_is_no_photo_keeps_it_and_has_the_same_error(both):
    documents = {key: {"image": image, "person": {"name": " Ann"}} for key, image in NO_PHOTOS.items()}
    for key, (plugin, worker) in both("faces", documents).items():
        assert worker == plugin, key
        assert plugin["error"]["code"] in ("not_base64", "not_an_image")
        assert plugin["image"] == NO_PHOTOS[key]


def test_portraits_and_probes_that_are_identified(es, plain, both, photos, team):
    portraits = {
        f"{name} {number}": {"image": encoded(photo), "person": {"name": name}, "tags": ["watch"]}
        for name in ("Ann", "Ben")
        for number, photo in enumerate(photos[name][1:3])
    }
    portraits["group"] = {"image": encoded(team), "person": {"name": "Us"}}
    portraits["sky"] = {"image": encoded(picture(landscape())), "person": {"name": "Nobody"}}
    stored = both("face-gallery", portraits)
    for key, (plugin, worker) in stored.items():
        assert worker == plugin, key
    assert len(stored["Ann 0"][1]["vector"]) == 128
    assert stored["group"][1]["error"]["code"] == "several_faces"
    assert stored["sky"][1]["error"]["code"] == "no_face"
    for client in (es, plain):
        client.indices.refresh(index="face-gallery")
    ((plugin, worker),) = both("face-probes", {"1": {"image": encoded(team)}}).values()
    assert worker == plugin
    assert {face["match"]["name"] for face in worker["faces"]} == {"Ann", "Ben"}
    assert worker["undecided_faces"] == 2
    plain.indices.refresh(index="face-probes")
    assert plain.count(index="face-probes", query={"term": {"matched_tags": "watch"}})["count"] == 1


def test_options_that_an_index_records_are_those_of_the_pipeline(plain, without, team):
    mapping = plain.indices.get_mapping(index="faces-000001")["faces-000001"]["mappings"]
    options = mapping["_meta"]["ingest_face"][WORKER]
    try:
        record(plain, "faces-000001", **{WORKER: {**options, "remove_binary": False, "max_faces": 1}})
        plain.index(index="faces", id="1", document={"image": encoded(team)}, refresh=True)
        assert without("worker", "--once")[0] == 0
        source = plain.get(index="faces", id="1")["_source"]
        assert (source["image"], source["face_count"]) == (encoded(team), 1)
    finally:
        record(plain, "faces-000001", **{WORKER: options})


def test_an_attached_index_keeps_its_photos_and_is_named(es, plain, without, run, own_index, photos):
    mappings = {"properties": {"media": {"properties": {"photo": {"type": "binary"}}}}}
    document = {"media": {"photo": encoded(photos["Ann"][0])}, "title": "stage", "tags": {"own": 1}}
    own_index("album", mappings=mappings)
    plain.indices.create(index="album", mappings=mappings)
    try:
        for command in (run, without):
            options = ("album", "--field", "media.photo", "--target-field", "portrait")
            code, _, err = command("attach", *options)
            assert code == 0, err
        for client in (es, plain):
            client.index(index="album", id="1", document=document, refresh=True)
            client.index(index="album", id="2", document={"title": "no photo"}, refresh=True)
        code, out, err = without("worker", "album", "--once")
        assert code == 0, err
        assert out.startswith("1 completed (1 face)")
        plugin, worker = (client.get(index="album", id="1")["_source"] for client in (es, plain))
        assert worker.keys() == plugin.keys()
        assert comparable(worker["portrait"]) == comparable(plugin["portrait"])
        assert (worker["media"], worker["tags"]) == (document["media"], document["tags"])
        assert plain.get(index="album", id="2")["_source"] == {"title": "no photo"}
    finally:
        plain.indices.delete(index="album")


def test_an_attached_index_has_the_path_that_a_crawler_sends(es, plain, without, run, own_index, photos):
    mappings = {"properties": {"attachment": {"type": "binary"}}}
    real = r"\\share\fotos\Ann 1.jpg"
    own_index("crawled", mappings=mappings)
    plain.indices.create(index="crawled", mappings=mappings)
    try:
        for command in (run, without):
            options = ("crawled", "--field", "attachment", "--path-field", "path.real")
            code, _, err = command("attach", *options)
            assert code == 0, err
        for client in (es, plain):
            for key, photo in (("1", encoded(photos["Ann"][0])), ("2", encoded(b"no photo"))):
                document = {"attachment": photo, "path": {"real": real}}
                client.index(index="crawled", id=key, document=document, refresh=True)
        code, _, err = without("worker", "crawled", "--once")
        assert code == 0, err
        for key in ("1", "2"):
            plugin, worker = (client.get(index="crawled", id=key)["_source"] for client in (es, plain))
            assert comparable(worker) == comparable(plugin)
            assert (worker["file"]["path"], worker["file"]["name"]) == (real, "Ann 1.jpg")
    finally:
        plain.indices.delete(index="crawled")


def test_beside_the_plugin_it_completes_what_passed_no_pipeline(es, faces, run, photos):
    sent = {"image": encoded(photos["Ann"][0]), "person": {"name": "Ann"}}
    es.index(index=faces, id="1", document=sent, refresh=True)
    es.index(index=faces, id="2", document=sent, pipeline="_none", refresh=True)
    code, out, err = run("worker", "--once")
    assert code == 0, err
    assert out.startswith("1 completed (1 face)")
    plugin, worker = (comparable(es.get(index=faces, id=key)["_source"]) for key in ("1", "2"))
    assert worker == plugin
