"""Commands that take photos in: the same scene on a node with the plugin, and on one without it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from elasticsearch import Elasticsearch
from tools import encoded, picture, side_by_side

ANN = {"name": "Ann"}


@dataclass(frozen=True)
class Way:
    """es: a client; run: runs `faces ...` there."""

    es: Elasticsearch
    run: Callable[..., tuple[int, str, str]]

    def good(self, *words: object) -> str:
        """What a command prints that must succeed."""
        code, out, err = self.run(*words)
        assert code == 0, err
        return out

    def counts(self, *words: object) -> dict[str, int]:
        """The outcomes that occurred, by `--json`."""
        found = json.loads(self.run(*words, "--json")[1])
        return {name: count for name, count in found.items() if isinstance(count, int) and count}

    def documents(self, index: str = "faces") -> list[dict]:
        self.es.indices.refresh(index=index)
        everything = {"includes": ["*"], "exclude_vectors": False}
        hits = self.es.search(index=index, size=100, sort=["file.path"], source=everything)["hits"]["hits"]
        return [hit["_source"] for hit in hits]


@pytest.fixture(params=["plugin", "no plugin"])
def way(request, es, run, faces, gallery, probes, journal, plain, without) -> Way:
    return Way(es, run) if request.param == "plugin" else Way(plain, without)


@pytest.fixture
def folder(tmp_path, photos):
    """Ann twice and Ben once, each in a folder of their own, and a file that is no photo."""
    for name, count in {"Ann": 2, "Ben": 1}.items():
        (tmp_path / name).mkdir()
        for number, path in enumerate(photos[name][:count]):
            shutil.copy(path, tmp_path / name / f"{number}.jpg")
    (tmp_path / "Ben" / "9.jpg").write_bytes(b"no photo")
    return tmp_path


def test_a_folder_is_indexed_and_again_after_somebody_named_and_changed_files(way, folder, photos):
    assert way.counts("index", folder, "--labels", "folder")["new"] == 4
    ann, again, ben, bad = way.documents()
    assert [one["face_count"] for one in (ann, again, ben)] == [1, 1, 1]
    assert (ann["person"], ann["faces"][0]["label"], ann["unnamed_faces"]) == (ANN, ANN, 0)
    assert (bad["error"]["code"], "image" in bad, "image" in ann) == ("not_an_image", True, False)
    assert way.counts("index", folder, "--labels", "folder")["unchanged"] == 4
    way.good("label", folder / "Ben" / "0.jpg", "--name", "Benny")
    group = picture(side_by_side([photos["Ben"][0], photos["Cara"][0]]), quality=92)
    (folder / "Ben" / "0.jpg").write_bytes(group)
    (folder / "Ann" / "1.jpg").rename(folder / "Ann" / "moved.jpg")
    found = way.counts("index", folder, "--labels", "folder", "--replace")
    assert (found["unchanged"], found["moved"], found["replaced"]) == (2, 1, 1)
    (new,) = (one for one in way.documents() if one["file"]["path"] == "Ben/0.jpg")
    assert (new["face_count"], len(new["faces"]), new["person"]["name"]) == (2, 2, "Benny")


def test_a_name_that_comes_later_labels_the_only_face(way, folder):
    way.good("index", folder)
    assert way.counts("index", folder, "--labels", "folder")["unchanged"] == 4
    ann = way.documents()[0]
    assert (ann["person"], ann["faces"][0]["label"], ann["unnamed_faces"]) == (ANN, ANN, 0)


def test_a_list_with_fields_and_portraits_for_the_gallery(way, folder, photos):
    listed = folder / "list.ndjson"
    rows = [
        {
            "path": "Ann/0.jpg",
            "person.name": "Ann",
            "tags": ["watch"],
            "id": "ann",
            "observer.name": "4",
        },
        {"image": encoded(photos["Ben"][0]), "person": {"name": "Ben"}, "id": "ben"},
    ]
    listed.write_text("\n".join(map(json.dumps, rows)))
    assert way.counts("index", listed, "--enroll")["new"] == 2
    found = {one["person"]["name"]: one for one in way.documents("face-gallery")}
    assert (found["Ann"]["tags"], found["Ann"]["observer"]) == (["watch"], {"name": "4"})
    assert [len(one["vector"]) for one in found.values()] == [128, 128]
    (face,) = json.loads(way.good("identify", folder / "Ann" / "1.jpg", "--json"))["faces"]
    assert (face["answer"], face["candidates"][0]["tags"]) == ("Ann", ["watch"])


def test_what_failed_for_no_fault_of_its_photo_is_tried_again(way, photos):
    failed = {"error": {"code": "unavailable", "message": "it was away"}, "event": {"outcome": "failure"}}
    sent = {"image": encoded(photos["Ann"][0]), "person": {"name": "Ann"}, "file": {"path": "a.jpg"}}
    bad = {"image": "bm8gcGhvdG8=", "file": {"path": "b.jpg"}}
    waiting = {"id": "old", "box": {"x": 0, "y": 0, "width": 1, "height": 1}, "label": {"name": "Zoe"}}
    for key, document in {"a": {**sent, "unplaced": [waiting]}, "b": bad}.items():
        way.es.index(index="faces", id=key, document={**document, **failed}, pipeline="_none", refresh=True)
    code, out, _ = way.run("retry", "--json")
    found = json.loads(out)
    assert (code, found["mended"], found["still_by_code"]) == (1, 1, {"not_an_image": 1})
    mended, still = way.documents()
    assert (mended["face_count"], mended["person"]["name"], mended["unplaced"]) == (1, "Ann", [waiting])
    assert "error" not in mended
    assert still["error"]["code"] == "not_an_image"
    assert "1 document deleted" in way.good("discard", "--yes")
    assert len(way.documents()) == 1


def test_probes_are_identified_anew_and_reviewed(way, folder, photos):
    way.good("enroll", folder / "Ann" / "0.jpg", "--name", "Ann")
    way.good("index", folder, "--index", "face-probes")
    assert {one.get("undecided_faces") for one in way.documents("face-probes")[:2]} == {1}
    way.good("enroll", photos["Ben"][1], "--name", "Ben", "--tag", "watch")
    way.good("identify", "--all", "--index", "face-probes")
    query = {"terms": {"candidate_people": ["Ann", "Ben"]}}
    way.es.indices.refresh(index="face-probes")
    assert way.es.count(index="face-probes", query=query)["count"] == 3
    code, _, err = way.run("review", "--index", "face-probes", "--include-matches", stdin="1\n1\n1\n")
    assert code == 0, err
    assert [one.get("undecided_faces") for one in way.documents("face-probes")[:3]] == [0, 0, 0]
