"""`faces search --person`: by portraits in the gallery, or by labelled faces; and whom it can't find."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Callable

import numpy as np
import pytest
from PIL import Image
from tools import bracketed, encoded, line_with


@pytest.fixture
def found(run) -> Callable[..., dict]:
    """The JSON of a search."""

    def search(*arguments: object) -> dict:
        status, out, err = run("search", *arguments, "--json")
        assert status == 0, err
        return json.loads(out)

    return search


@pytest.fixture
def portraits(gallery, bulk, photos) -> Callable[..., None]:
    """Enrols somebody with these numbered photos of Ann's, by default her own."""

    def enrol(name: str, *numbers: int, whose: str = "Ann") -> None:
        documents = {
            f"{name}-{number}": {"image": encoded(photos[whose][number]), "person": {"name": name}}
            for number in numbers
        }
        assert {item["status"] for item in bulk(documents, index=gallery).values()} == {201}

    return enrol


def refused(run, *arguments: object, status: int = 1) -> str:
    ended, out, err = run("search", *arguments)
    assert (ended, out, len(err.splitlines())) == (status, "", 1), err
    return err


def test_somebody_is_found_by_the_mean_of_their_portraits(
    archive, portraits, found, run, whole, gallery, photos
):
    portraits("Ann", 3, 4)
    answer = found("--person", "Ann", "-k", 4)
    assert answer["person"] == {"name": "Ann", "index": "face-gallery", "by": "portraits", "faces": 2}
    assert (answer["query"], answer["face"]) == (None, None)
    assert {match["id"] for match in answer["matches"]} == {"ann-0", "ann-1", "ann-2", "team"}
    vectors = np.array([whole(gallery, f"Ann-{number}")["vector"] for number in (3, 4)])
    mean = vectors.mean(axis=0) / np.linalg.norm(vectors.mean(axis=0))
    for match in answer["matches"][:3]:
        faces = whole(archive, match["id"])["faces"]
        assert match["similarity"] == pytest.approx(
            mean @ faces[match["face"]["position"]]["vector"], abs=2e-4
        )
    status, out, _ = run("search", "--person", "Ann")
    assert status == 0
    assert {"Ann", "face-gallery"} <= bracketed(line_with("query:", out))
    assert "2 portraits" in line_with("query:", out)
    assert "strong" in line_with("verdicts:", out)


def test_the_similarity_is_the_one_that_identify_gives_the_face(
    portraits, found, probes, bulk, whole, photos
):
    portraits("Ann", 1, 2, 3)
    bulk({"gate": {"image": encoded(photos["Ann"][4])}}, index=probes)
    (face,) = whole(probes, "gate")["faces"]
    (match,) = found("--person", "Ann", "--index", probes)["matches"]
    assert match["similarity"] == pytest.approx(face["match"]["similarity"], abs=2e-4)
    assert match["guess"] == "Ann"


def test_without_portraits_faces_that_people_labelled_are_taken(archive, portraits, found, run, es):
    portraits("Ben", 3, whose="Ben")
    answer = found("--person", "Ann", "-k", 4)
    assert answer["person"] == {"name": "Ann", "index": "faces", "by": "labels", "faces": 3}
    assert {match["id"] for match in answer["matches"]} == {"ann-0", "ann-1", "ann-2", "team"}
    assert "3 labelled faces" in line_with("query:", run("search", "--person", "Ann")[1])


def test_one_labelled_face_of_a_group_is_not_mixed_with_its_neighbours(
    faces, bulk, es, whole, found, group_photo
):
    bulk({"group": {"image": encoded(group_photo)}})
    stored = whole(faces, "group")["faces"]
    stored[1]["label"] = {"name": "Mindy"}
    es.update(index=faces, id="group", doc={"faces": stored}, refresh=True)
    (match,) = found("--person", "Mindy")["matches"]
    assert (match["face"]["position"], match["name"]) == (1, "Mindy")
    assert match["similarity"] == pytest.approx(1, abs=1e-3)


def test_either_spelling_of_unicode_is_the_person(archive, portraits, found):
    portraits("Zo\u00eb", 3)
    for spelling in ("Zo\u00eb", unicodedata.normalize("NFD", "Zo\u00eb"), " Zo\u00eb "):
        answer = found("--person", spelling)
        assert answer["person"]["name"] == "Zo\u00eb"
        assert {"ann-0", "ann-1", "ann-2"} <= {match["id"] for match in answer["matches"]}


@pytest.mark.parametrize(
    ("name", "near"),
    [("ANN", {"Ann"}), ("Anne", {"Ann"}), ("Bem", {"Ben"}), ("Wolfgang Amadeus", set())],
)
def test_of_an_unknown_name_near_ones_are_named(archive, portraits, run, name, near):
    portraits("Ben", 3, whose="Ben")
    said = bracketed(refused(run, "--person", name))
    assert {name, "face-gallery", "faces"} | near == said


def test_it_takes_other_galleries_and_goes_on_without_one(
    archive, portraits, own_index, bulk, found, run, photos
):
    own_index("face_recognition-staff")
    bulk(
        {"1": {"image": encoded(photos["Ann"][3]), "person": {"name": "Boss"}}},
        index="face_recognition-staff",
    )
    answer = found("--person", "Boss", "--gallery", "face_recognition-staff")
    assert answer["person"]["index"] == "face_recognition-staff"
    assert {"ann-0", "ann-1", "ann-2"} <= {match["id"] for match in answer["matches"]}
    assert "nowhere" in bracketed(refused(run, "--person", "Boss", "--gallery", "nowhere"))


def test_portraits_of_another_model_are_not_compared(es, archive, gallery, portraits, run, whole):
    portraits("Zoe", 3)
    own = whole(gallery, "Zoe-3") | {"model": {"id": "another"}}
    es.index(index=gallery, id="Zoe-3", document=own, pipeline="_none", refresh=True)
    assert {"Zoe", "face-gallery"} <= bracketed(refused(run, "--person", "Zoe"))


def test_an_attached_index_is_searched_and_so_are_its_people(es, own_index, attach, found, photos):
    own_index("own")
    attach("own", "--field", "picture", "--target-field", "a.portrait")
    for number in (0, 1):
        document = {"picture": encoded(photos["Ann"][number]), "person": {"name": "Ann"}}
        es.index(index="own", id=str(number), document=document, refresh=True)
    answer = found("--person", "Ann", "--index", "own")
    assert answer["person"] == {"name": "Ann", "index": "own", "by": "labels", "faces": 2}
    assert {match["id"] for match in answer["matches"]} == {"0", "1"}


def test_other_options_go_with_it(archive, portraits, found, run, tmp_path):
    portraits("Ann", 3)
    least = found("--person", "Ann", "-k", 20, "--min-similarity", 0.46)["matches"]
    assert {match["id"] for match in least} == {"ann-0", "ann-1", "ann-2", "team"}
    named = found("--person", "Ann", "-k", 20, "--name", "Ben")["matches"]
    assert {match["id"] for match in named} == {"ben-0", "ben-1", "ben-2"}
    status, _, err = run("search", "--person", "Ann", "--plot", tmp_path / "ann.png")
    assert status == 0, err
    assert Image.open(tmp_path / "ann.png").width > 400


def test_the_service_is_not_asked(archive, portraits, run):
    portraits("Ann", 3)
    assert run("search", "--person", "Ann", FACES_URL="http://127.0.0.1:1")[0] == 0


def test_arguments_that_make_no_sense_are_status_2(run, photos):
    for arguments in (
        [],
        [photos["Ann"][0], "--person", "Ann"],
        [photos["Ann"][0], "--gallery", "face-gallery"],
        ["--person", "Ann", "--face", 1],
    ):
        assert run("search", *arguments)[0] == 2, arguments
    assert "empty" in refused(run, "--person", " ")
