"""`faces forget`: what goes, what stays, what mustn't come back, and what is proved."""

from __future__ import annotations

import base64
import io
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from forget_fixtures import copy_to, counted, left_to_right, named, source
from PIL import Image
from tools import encoded, mapping_of, picture, side_by_side

from evaluation.bench.traces import Traces, count

pytestmark = pytest.mark.usefixtures("nothing_remembered")


def proof_of(report: dict) -> set[int]:
    return {check["found"] for check in report["proof"]}


class TestAPerson:
    def test_goes_from_archive_gallery_probes_and_journal_and_nobody_else_does(
        self, es, archive, portraits, probes, photos, bulk, run, forget
    ):
        before = named(es, run, "team", "Ann", "Ben")
        group = picture(side_by_side([photos["Ben"][1], photos["Ann"][1]]), quality=92)
        assert bulk({"gate": {"image": encoded(group)}}, probes)["gate"]["status"] == 201
        assert {face["match"]["name"] for face in source(es, probes, "gate")["faces"]} == {"Ann", "Ben"}
        report = forget("--person", "Ann", "--include-similar", 0.6)
        assert report["proved"]
        assert proof_of(report) == {0}
        assert {(one["index"], one["id"], one["goes"]) for one in report["found"]} == {
            *(("faces-000001", f"ann-{number}", "document") for number in range(3)),
            ("faces-000001", "team", "face"),
            ("face-gallery-000001", "ann", "document"),
            ("face-gallery-000001", "ann-too", "document"),
            ("face-probes-000001", "gate", "face"),
        }
        assert counted(es, "Ann") == 0
        assert counted(es, "Ben") == 6
        for key in ("ann-0", "ann-1", "ann-2"):
            assert source(es, "faces", key) is None
        (ben,) = source(es, "faces", "team")["faces"]
        assert ben == left_to_right(before)[1]
        probe = source(es, probes, "gate")
        assert [face["match"]["name"] for face in probe["faces"]] == ["Ben"]
        assert '"Ann"' not in json.dumps(probe)
        assert probe["face_count"] == 1
        assert probe["undecided_faces"] == 1
        es.indices.refresh(index="face-decisions")
        entries = es.search(index="face-decisions", size=100)["hits"]["hits"]
        assert '"Ann"' not in json.dumps([entry["_source"] for entry in entries])
        (audit,) = {
            entry["_source"]["operation"]["id"]
            for entry in entries
            if entry["_source"]["event"]["action"] == "forget"
        }
        assert audit == report["operation"]

    def test_names_that_only_guess_or_deny_go_and_the_face_stays(
        self, es, archive, portraits, probes, photos, bulk, run, forget
    ):
        assert bulk({"gate": {"image": encoded(photos["Ben"][1])}}, probes)["gate"]["status"] == 201
        es.update(index=probes, id="gate", doc={"person": {"name": "Ben"}}, refresh=True)
        assert run("not-this-person", "ben-0", "--name", "Ann")[0] == 0
        kept = {key: source(es, index, key) for index, key in (("faces", "ben-0"), (probes, "gate"))}
        forget("--person", "Ann")
        ben = source(es, "faces", "ben-0")
        assert ben["faces"][0]["id"] == kept["ben-0"]["faces"][0]["id"]
        assert "not" not in ben["faces"][0]
        assert source(es, probes, "gate")["faces"][0]["match"]["name"] == "Ben"

    def test_unnamed_faces_like_the_person_are_listed_and_stay_unless_confirmed(
        self, es, archive, forget, run
    ):
        before = source(es, "faces", "team")
        ann = left_to_right(before)[0]["id"]
        status, out, _ = run("forget", "--person", "Ann", "--dry-run", "--json")
        assert status == 0
        listed = json.loads(out)["similar"]
        assert [one["face"]["id"] for one in listed] == [ann]
        assert listed[0]["verdict"] == "strong"
        assert source(es, "faces", "ann-0") is not None, "a dry run changes nothing"
        forget("--person", "Ann", "--also", ann)
        assert [face["id"] for face in source(es, "faces", "team")["faces"]] == [
            left_to_right(before)[1]["id"]
        ]

    def test_without_a_word_about_them_similar_faces_stay(self, es, archive, forget):
        before = source(es, "faces", "team")
        forget("--person", "Ann")
        assert source(es, "faces", "team") == before

    def test_asks_which_faces_go_too_and_before_it_deletes(self, es, archive, run):
        def ask(answers: str) -> int:
            return run("forget", "--person", "Ann", "--no-expunge", stdin=answers)[0]

        assert ask("none\nn\n") == 1
        assert source(es, "faces", "ann-0") is not None
        assert ask("1\ny\n") == 0
        assert source(es, "faces", "ann-0") is None
        assert source(es, "faces", "team")["face_count"] == 1

    def test_two_people_of_one_photo_are_told_apart(self, es, faces, photos, bulk, forget):
        same = {"image": encoded(photos["Ann"][0])}
        bulk({"a": same | {"person": {"name": "Ann"}}, "b": same | {"person": {"name": "Anna"}}})
        report = forget("--person", "Ann")
        assert report["proved"]
        assert source(es, "faces", "a") is None
        assert source(es, "faces", "b")["person"]["name"] == "Anna"

    def test_who_is_unknown_is_an_error_that_names_the_nearest(self, archive, forget):
        assert "[Ann]" in forget("--person", "Annn", status=1)["error"]
        nobody = forget("--person", "nobody", status=1)["error"]
        assert "faces list people" in nobody
        assert "*" not in nobody


class TestAPhoto:
    def test_goes_by_its_file_whatever_its_name_and_stays_away(
        self, es, faces, photos, tmp_path, run, forget
    ):
        folder = tmp_path / "photos"
        folder.mkdir()
        shutil.copy(photos["Ann"][0], folder / "a.jpg")
        shutil.copy(photos["Ben"][0], folder / "b.jpg")
        assert run("index", folder)[0] == 0
        (folder / "a.jpg").rename(folder / "c.jpg")
        report = forget("--photo", folder / "c.jpg")
        assert sum(one["deleted"] for one in report["indices"].values()) == 1

        def again() -> dict:
            status, out, err = run("index", folder, "--json")
            assert status == 0, err
            return json.loads(out)

        assert again()["skipped_files"] == {"forgotten": ["c.jpg"]}
        photo = (folder / "c.jpg").read_bytes()
        comment = b"a tag that somebody wrote"
        tagged = photo[:2] + b"\xff\xfe" + (len(comment) + 2).to_bytes(2, "big") + comment + photo[2:]
        (folder / "c.jpg").write_bytes(tagged)
        assert again()["skipped_files"] == {"forgotten": ["c.jpg"]}
        shutil.copy(photos["Ann"][0], folder / "c.jpg")
        status, _, err = run("forget", "--lift", folder / "c.jpg")
        assert status == 0, err
        assert again()["new"] == 1

    def test_that_was_a_portrait_is_not_enrolled_again(
        self, es, faces, gallery, photos, tmp_path, run, forget
    ):
        for name in ("Ann", "Ben"):
            (tmp_path / name).mkdir()
            shutil.copy(photos[name][0], tmp_path / name / "1.jpg")

        def enrolled(*arguments: object) -> tuple[int, dict]:
            status, out, _ = run("enroll", *arguments, "--gallery", gallery, "--json")
            return status, json.loads(out)

        assert enrolled(tmp_path, "--labels", "folder")[1]["enrolled"] == 2
        forget("--person", "Ann")
        status, report = enrolled(tmp_path, "--labels", "folder")
        assert (status, report["enrolled"], report["unchanged"], report["failed"]) == (1, 0, 1, 1)
        status, report = enrolled(tmp_path / "Ann" / "1.jpg", "--name", "Ann", "--face", 0)
        assert (status, report["enrolled"], report["failed"]) == (1, 0, 1)
        assert run("forget", "--lift", tmp_path / "Ann" / "1.jpg")[0] == 0
        assert enrolled(tmp_path, "--labels", "folder")[1]["enrolled"] == 1

    def test_that_may_come_back_is_not_remembered(self, es, faces, photos, tmp_path, run, forget):
        shutil.copy(photos["Ann"][0], tmp_path / "a.jpg")
        assert run("index", tmp_path)[0] == 0
        forget("--photo", tmp_path / "a.jpg", "--allow-again")
        status, out, _ = run("index", tmp_path, "--json")
        assert (status, json.loads(out)["new"]) == (0, 1)

    def test_of_a_group_loses_one_face_by_its_id_or_position(self, es, archive, forget):
        before = left_to_right(source(es, "faces", "team"))
        forget("--id", before[0]["id"])
        assert [face["id"] for face in source(es, "faces", "team")["faces"]] == [before[1]["id"]]
        forget("--id", "team", "--face", 0)
        assert source(es, "faces", "team") is None

    def test_a_group_photo_that_is_indexed_again_has_no_forgotten_face(
        self, es, faces, photos, tmp_path, run, forget
    ):
        group = picture(side_by_side([photos["Ann"][0], photos["Ben"][0]]), quality=92)
        (tmp_path / "group.jpg").write_bytes(group)
        assert run("index", tmp_path)[0] == 0
        (hit,) = es.search(index=faces)["hits"]["hits"]
        ben = left_to_right(named(es, run, hit["_id"], "Ann", "Ben"))[1]
        forget("--person", "Ann")
        es.delete(index=faces, id=hit["_id"], refresh=True)
        status, out, err = run("index", tmp_path, "--json")
        assert (status, json.loads(out)["new"]) == (0, 1), err
        (after,) = es.search(index=faces)["hits"]["hits"]
        (face,) = after["_source"]["faces"]
        assert face["id"] == ben["id"]
        assert after["_source"]["face_count"] == 1
        assert _is_black(after["_source"]["thumbnail"], left=True)
        assert json.loads(run("index", tmp_path, "--json")[1])["unchanged"] == 1


def _is_black(text: str, left: bool) -> bool:
    """Whether the middle of one half is; the other half's must not be."""
    image = Image.open(io.BytesIO(base64.b64decode(text.rpartition(",")[2]))).convert("L")
    grey = np.asarray(image)
    middle = grey[grey.shape[0] * 2 // 5 : grey.shape[0] * 3 // 5]
    halves = [
        half[:, half.shape[1] * 2 // 5 : half.shape[1] * 3 // 5] for half in np.array_split(middle, 2, 1)
    ]
    black, seen = halves if left else halves[::-1]
    assert seen.mean() > 40
    return bool(np.median(black) < 16)


class TestOtherIndices:
    def test_a_kept_photo_loses_the_pixels_and_the_other_face_stays_as_it_is(
        self, es, own_index, photos, run, forget, whole
    ):
        index = own_index("album", mappings={"properties": {"picture": {"type": "binary"}}})
        assert run("attach", index, "--field", "picture")[0] == 0
        group = picture(side_by_side([photos["Ann"][0], photos["Ben"][0]]), quality=92)
        es.index(index=index, id="1", document={"picture": encoded(group), "title": "party"}, refresh=True)
        before = whole(index, "1")
        ann, ben = left_to_right(before)
        forget("--id", ann["id"], "--index", index)
        after = whole(index, "1")
        assert after["faces"] == [ben]
        assert after["title"] == "party"
        assert _is_black(after["picture"], left=True)
        assert _is_black(after["thumbnail"], left=True)
        es.update(index=index, id="1", doc={"title": "the party"}, refresh=True)
        assert whole(index, "1")["faces"] == [ben]
        assert whole(index, "1")["event"] == before["event"], "it isn't processed anew"

    def test_an_index_without_pipeline_gets_the_same_documents(
        self, es, archive, own_index, run, forget, whole
    ):
        named(es, run, "team", "Ann", "Ben")
        settings = {"index.default_pipeline": "_none"}
        plain = own_index("plain", mappings=mapping_of(es, "faces"), settings=settings)
        es.indices.refresh(index="faces")
        copy_to(es, plain)
        report = forget("--person", "Ann")
        assert report["indices"][plain] == report["indices"]["faces-000001"]
        assert whole(plain, "team") == whole("faces", "team")
        assert whole(plain, "team")["unnamed_faces"] == 0
        assert source(es, plain, "ann-1") is None

    def test_a_closed_index_is_told_and_a_narrow_run_leaves_the_others(self, es, archive, own_index, forget):
        closed = own_index("closed-photos", mappings=mapping_of(es, "faces"))
        es.indices.close(index=closed)
        plain = own_index("narrow", mappings=mapping_of(es, "faces"))
        copy_to(es, plain)
        report = forget("--person", "Ann", "--index", plain)
        assert list(report["indices"]) == [plain]
        assert source(es, "faces", "ann-0") is not None
        report = forget("--person", "Ann")
        assert any(closed in one["what"] for one in report["not_reached"])

    def test_an_index_that_takes_no_changes_is_refused_before_anything_is_changed(
        self, es, archive, portraits, forget
    ):
        es.indices.add_block(index="face-gallery-000001", block="write")
        try:
            refused = forget("--person", "Ann", status=1)["error"]
            assert "face-gallery-000001" in refused
            assert "index.blocks.write" in refused
            assert source(es, "faces", "ann-0") is not None
        finally:
            es.indices.put_settings(index="face-gallery-000001", settings={"index.blocks.write": None})
        assert forget("--person", "Ann")["proved"]


def test_nothing_of_the_face_is_in_the_files_of_the_index(es, archive, run, forget, whole):
    named(es, run, "team", "Ann", "Ben")
    ann = {key: whole("faces", key) for key in ("ann-0", "ann-1", "ann-2")}
    team = whole("faces", "team")
    gone, stays = left_to_right(team)
    traces = [Traces.of(document) for document in ann.values()]
    traces.append(Traces.of({"faces": [gone], "thumbnail": team["thumbnail"]}))
    (node,) = es.nodes.info(metric="settings")["nodes"].values()
    # Other indices' files may have the same photos, of other tests.
    uuid = es.indices.get_settings(index="faces-000001")["faces-000001"]["settings"]["index"]["uuid"]
    data = Path(node["settings"]["path"]["data"]) / "indices" / uuid
    es.indices.flush(index="faces", force=True)
    assert count(traces, data)["any"] == len(traces)
    assert forget("--person", "Ann", expunge=True)["proved"]
    assert count(traces, data)["any"] == 0
    assert count(traces, data, translog=True)["any"] == 0
    kept = Traces.of({"faces": [stays], "thumbnail": source(es, "faces", "team")["thumbnail"]})
    assert count([kept], data)["any"] == 1


def test_the_right_faces_from_label_to_forget(es, faces, portraits, group_photo, bulk, run, forget, whole):
    """A group photo goes label, gallery, identify, not-this-person, merge, undo, forget."""
    bulk({"group": {"image": encoded(group_photo)}})
    named(es, run, "group", "Jerry", "Ann", "Elton")
    elton = left_to_right(source(es, "faces", "group"))[2]
    assert run("not-this-person", elton["id"], "--name", "Jerry")[0] == 0
    assert run("merge", "Jerry", "Elton")[0] == 0
    _, out, _ = run("undo", "--list", "--json")
    merges = [one for one in json.loads(out)["operations"] if one["action"] == "merge"]
    (merge,) = merges
    assert run("undo", merge["operation"])[0] == 0
    before = whole("faces", "group")
    names = [face.get("label", {}).get("name") for face in left_to_right(before)]
    assert names == ["Jerry", "Ann", "Elton"]
    report = forget("--person", "Ann")
    after = whole("faces", "group")
    assert left_to_right(after) == [left_to_right(before)[0], left_to_right(before)[2]]
    assert source(es, "face-gallery", "ben") is not None
    assert run("undo", report["operation"])[0] == 1
    _, out, _ = run("undo", "--list", "--json")
    for one in json.loads(out)["operations"]:
        run("undo", one["operation"])
    assert counted(es, "Ann") == 0
