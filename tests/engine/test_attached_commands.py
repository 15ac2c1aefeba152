"""Commands on an index of the user's own: whatever it lacks, they end in a result or one sentence."""

from __future__ import annotations

import json
import shutil
import time

import pytest
from tools import bracketed, encoded

from es_setup.keeping import standing_at
from es_setup.other_models import OtherModel
from faces.refusals import require_fit_service


@pytest.fixture
def holiday(es, own_index, attach, photos):
    """An attached index with photos of Ann and Ben and nothing else: no observer, no path, no name."""

    def make(name: str, *options: str) -> str:
        own_index(name)
        assert attach(name, "--field", "picture", *options)[0] == 0
        for person in ("Ann", "Ben"):
            for number, photo in enumerate(photos[person][:3]):
                es.index(index=name, id=f"{person}-{number}", document={"picture": encoded(photo)})
        es.indices.refresh(index=name)
        return name

    return make


@pytest.mark.parametrize("options", [(), ("--target-field", "portrait"), ("--target-field", "a.b")], ids=str)
def test_an_attached_index_is_explored_with_a_page(holiday, run, tmp_path, options):
    index = holiday("own", *options)
    status, out, err = run("explore", "--index", index, "--json", "-")
    assert status == 0, err
    found = json.loads(out)
    overview = found["overview"]
    assert (overview["photos"], overview["with_faces"], overview["faces"]) == (6, 6, 6)
    assert (overview["observers"], overview["by_observer"]) == (0, {})
    assert sum(overview["by_time"].values()) == 6
    assert found["faces"] == {"read": 6, "total": 6}
    status, _, err = run("explore", "--index", index, "--out", tmp_path)
    assert status == 0, err
    assert (tmp_path / "explore.html").read_text().count("data:image/") > 1


def test_an_observer_of_another_type_and_fields_of_other_shapes_are_left_out(es, holiday, run, photos):
    index = holiday("own")
    odd = {"picture": encoded(photos["Ann"][3]), "observer": "lobby", "file": "a.jpg", "person": "Ann"}
    es.options(ignore_status=400).index(index=index, id="odd", document=odd, refresh=True)
    status, _, err = run("explore", "--index", index)
    assert status == 0, err


def test_what_has_no_faces_is_one_sentence(es, own_index, attach, run, photos):
    own_index("empty")
    own_index("blank")
    own_index("unrelated", mappings={"properties": {"vector": {"type": "keyword"}}})
    for index in ("empty", "blank"):
        attach(index, "--field", "picture")
    es.index(index="blank", document={"title": "no photo"}, refresh=True)
    for index in ("empty", "blank", "unrelated", "nowhere", "nowhere*", ""):
        status, _, err = run("explore", "--index", index)
        assert status == 1
        assert index in bracketed(err)
        assert len([line for line in err.splitlines() if line.startswith("error: ")]) == 1
    for index in ("empty", "blank"):
        status, out, _ = run("search", photos["Ann"][0], "--index", index)
        assert status == 0
        assert index in bracketed(out)


def test_indices_with_faces_in_different_objects_are_explored_one_at_a_time(holiday, run):
    holiday("own-a")
    holiday("own-b", "--target-field", "portrait")
    status, _, err = run("explore", "--index", "own-a,own-b")
    assert status == 1
    assert {"own-a", "own-b", "faces.vector", "portrait.faces.vector"} <= bracketed(err)


def test_a_gallery_and_an_archive_are_explored_together(archive, gallery, bulk, run, photos):
    bulk({"ann": {"image": encoded(photos["Ann"][4]), "person": {"name": "Ann"}}}, index=gallery)
    status, out, err = run("explore", "--index", "faces,face-gallery", "--json", "-")
    assert status == 0, err
    assert json.loads(out)["faces"] == {"read": 15, "total": 15}


def test_a_model_that_is_not_served_is_told_at_once(es, running, own_index, attach):
    require_fit_service(es, "faces")
    require_fit_service(es, "face-gallery")
    own_index("own")
    attach("own", "--field", "image")
    require_fit_service(es, "own")
    face = {"face": {"field": "image", "model": "facenet-00000000"}}
    es.ingest.put_pipeline(id="faces-own", processors=[face])
    with pytest.raises(OtherModel) as refused:
        require_fit_service(es, "own")
    assert {"own", "facenet-00000000", running.model} <= bracketed(str(refused.value))


@pytest.mark.parametrize("options", [("picture",), ("image", "--target-field", "portrait")], ids=str)
def test_photos_are_not_sent_to_an_index_that_reads_them_from_elsewhere(
    es, own_index, attach, run, people, tmp_path, options
):
    own_index("own")
    attach("own", "--field", *options)
    shutil.copy(people["madonna"][0], tmp_path)
    status, _, err = run("index", tmp_path, "--index", "own")
    assert status == 1
    assert {"own", options[0], options[-1]} <= bracketed(err)
    es.indices.refresh(index="own")
    assert es.count(index="own")["count"] == 0


def test_an_index_that_is_not_there_or_has_no_faces_is_not_asked_about(es, own_index):
    own_index("unrelated")
    require_fit_service(es, "unrelated")
    require_fit_service(es, "nowhere")


def test_photos_are_not_sent_to_a_service_with_another_model(es, faces, run, people, tmp_path, reinstalled):
    for photo in people["madonna"][:2]:
        shutil.copy(photo, tmp_path)
    body = standing_at(es, "/_ingest/pipeline/faces")
    body["processors"][0]["face"]["model"] = "facenet-00000000"
    es.ingest.put_pipeline(id="faces", body=body)
    started = time.monotonic()
    status, _, err = run("index", tmp_path)
    assert status == 1
    assert "facenet-00000000" in bracketed(err)
    # Ten retries would take two and a half minutes.
    assert time.monotonic() - started < 60
    assert es.count(index=faces)["count"] == 0
