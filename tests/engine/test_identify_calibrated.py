"""What `identify` makes of a calibration, on real photos: the threshold of a match, and its probability."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import pytest
from tools import CALIBRATION, encoded

UNCALIBRATED = 0.46
SLOPE, OFFSET = CALIBRATION["logistic"]["slope"], CALIBRATION["logistic"]["offset"]


@pytest.fixture
def enrolled(es, own_index, people) -> Callable[..., str]:
    """Makes an index of the gallery's shape, with the numbered photos of one person or more."""

    def make(index: str, known_as: str | None = None, **numbers: int) -> str:
        own_index(index)
        for name, number in numbers.items():
            portrait = {"image": encoded(people[name][number]), "person": {"name": known_as or name}}
            es.index(index=index, id=f"{index}-{name}", document=portrait, refresh=True)
        return index

    return make


@pytest.fixture
def face(es, people) -> Callable[..., dict]:
    """A face of Madonna's, looked up with the given options of `identify`, by `_simulate`."""

    def look(index: str, **options: object) -> dict:
        pipeline = {"processors": [{"face": {"identify": {"index": index, **options}}}]}
        document = {"_source": {"image": encoded(people["madonna"][5])}}
        (answer,) = es.ingest.simulate(pipeline=pipeline, docs=[document])["docs"]
        assert "doc" in answer, answer["error"]
        (found,) = answer["doc"]["_source"]["faces"]
        return found

    return look


@pytest.fixture
def portraits(enrolled) -> str:
    """Madonna, and three others whose similarity to her is below the uncalibrated threshold."""
    return enrolled("face_recognition-one", madonna=0, ben_afflek=0, elton_john=0, mindy_kaling=0)


@pytest.fixture
def similarities(portraits, face) -> list[float]:
    """Of all portraits, highest first."""
    found = similar(face(portraits, similarity=-1))
    assert len(found) == 4
    assert found[0] > 0.6
    assert found[1] < UNCALIBRATED - 0.1
    return found


def similar(face: dict) -> list[float]:
    return [candidate["similarity"] for candidate in face.get("candidates", [])]


def between(one: float, other: float) -> float:
    return round((one + other) / 2, 4)


def logistic(similarity: float, slope: float = SLOPE, offset: float = OFFSET) -> object:
    return pytest.approx(1 / (1 + math.exp(-(slope * similarity + offset))), abs=1e-6)


def is_uncalibrated(face: dict, similarities: list[float]) -> bool:
    without = all("probability" not in match for match in [face["match"], *face["candidates"]])
    return without and similar(face) == similarities[:1]


def test_without_a_calibration_the_threshold_is_that_of_possible(portraits, face, similarities):
    assert is_uncalibrated(face(portraits), similarities)
    assert all("probability" not in candidate for candidate in face(portraits, similarity=-1)["candidates"])


def test_the_threshold_is_the_calibrated_similarity(portraits, face, similarities, calibrate):
    calibrate(portraits, between(similarities[1], similarities[2]))
    found = face(portraits)
    assert similar(found) == similarities[:2]
    assert found["match"]["similarity"] == found["best_similarity"] == similarities[0]


def test_possible_people_below_the_threshold_are_candidates_and_no_match(
    portraits, face, similarities, calibrate
):
    """Possible begins where the probability is 50 %."""
    calibrate(portraits, between(similarities[0], 1))
    found = face(portraits)
    assert "match" not in found
    assert similar(found) == similarities[:1] == [found["best_similarity"]]
    calibrate(portraits, between(similarities[0], 1), logistic={"slope": 10, "offset": -10 * similarities[2]})
    assert similar(face(portraits)) == similarities[:3]
    calibrate(portraits, between(similarities[0], 1), logistic={"slope": 10, "offset": -9.9})
    assert not {"match", "candidates", "best_similarity"} & set(face(portraits))


def test_each_match_has_the_probability_of_its_similarity(portraits, face, similarities, calibrate):
    calibrate(portraits, -1)
    found = face(portraits)
    assert similar(found) == similarities
    for candidate in found["candidates"]:
        assert candidate["probability"] == logistic(candidate["similarity"])
        assert all(round(candidate[name], 6) == candidate[name] for name in ("similarity", "probability"))
    assert found["match"]["probability"] == found["candidates"][0]["probability"] > 0.9
    assert found["candidates"][-1]["probability"] < 0.1


def test_the_similarity_that_a_pipeline_gives_wins(portraits, face, similarities, calibrate):
    calibrate(portraits, between(similarities[0], 1))
    found = face(portraits, similarity=between(similarities[1], similarities[2]))
    assert similar(found) == similarities[:2]
    assert found["match"]["similarity"] == similarities[0]
    assert found["match"]["probability"] == logistic(similarities[0])


@pytest.mark.parametrize(
    "changes",
    [
        {"model": "facenet-00000000"},
        {"model": None},
        {"similarity": "0"},
        {"similarity": 1.5},
        {"logistic": {"slope": 0, "offset": 0}},
        {"logistic": {"slope": SLOPE, "offset": [OFFSET]}},
        {"logistic": "steep"},
        {"fpir": 5},
        {"made": None},
    ],
)
def test_a_calibration_of_another_model_or_with_wrong_values_is_ignored(
    portraits, face, similarities, calibrate, changes
):
    calibrate(portraits, 0, **changes)
    assert is_uncalibrated(face(portraits), similarities)


@pytest.mark.parametrize("meta", [{"ingest_face": "0.6"}, {"ingest_face": {"calibration": [0.6]}}, {}])
def test_other_values_in_the_place_of_a_calibration_fail_no_document(es, portraits, face, similarities, meta):
    es.indices.put_mapping(index=portraits, meta=meta)
    assert is_uncalibrated(face(portraits), similarities)


@pytest.fixture
def two(es, portraits, enrolled) -> tuple[str, str]:
    """Two galleries with the alias `both-galleries`; the other one knows Madonna by another name."""
    other = enrolled("face_recognition-two", known_as="Louise", madonna=1)
    for index in (portraits, other):
        es.indices.put_alias(index=index, name="both-galleries")
    return portraits, other


@pytest.mark.parametrize(
    "both", ["both-galleries", "face_recognition-*", "face_recognition-one,face_recognition-two"]
)
def test_of_several_galleries_the_strictest_threshold_counts_and_each_ones_probability(
    two, face, calibrate, both
):
    one, other = two
    all_of_both = similar(face(both, similarity=-1))
    strictest = between(all_of_both[2], all_of_both[3])
    calibrate(one, -1, logistic={"slope": 10, "offset": -4})
    calibrate(other, strictest)
    found = face(both)
    assert similar(found) == all_of_both[:3]
    scales = {one: (10, -4), other: (SLOPE, OFFSET)}
    for candidate in found["candidates"]:
        index = candidate["gallery_id"].rsplit("-", 1)[0]
        assert candidate["probability"] == logistic(candidate["similarity"], *scales[index])
    assert f"{other}-madonna" in {candidate["gallery_id"] for candidate in found["candidates"]}


def test_a_gallery_without_a_calibration_keeps_its_threshold_beside_one_that_has_one(two, face, calibrate):
    calibrate(two[0], -1)
    candidates = face("both-galleries")["candidates"]
    assert all(candidate["similarity"] >= UNCALIBRATED for candidate in candidates)
    with_probability = {candidate["gallery_id"]: "probability" in candidate for candidate in candidates}
    assert with_probability == {f"{two[0]}-madonna": True, f"{two[1]}-madonna": False}
    assert similar(face(f"{two[0]},no-such-gallery-*"))[-1] < UNCALIBRATED


def test_somebody_in_two_galleries_has_the_probability_of_the_most_similar_portraits_one(
    portraits, enrolled, face, calibrate
):
    other = enrolled("face_recognition-two", madonna=5)
    scales = {portraits: (10, -4), other: (SLOPE, OFFSET)}
    for index, (slope, offset) in scales.items():
        calibrate(index, -1, logistic={"slope": slope, "offset": offset})
    (match, *others) = face(f"{portraits},{other}", similarity=-1)["candidates"]
    assert match["gallery_id"] == f"{other}-madonna"
    assert match["probability"] == logistic(match["similarity"], *scales[other])
    assert [one["name"] for one in others].count("madonna") == 0


def test_a_gallery_may_be_named_by_a_date(enrolled, face, calibrate):
    index = enrolled("face_recognition-2026.11", madonna=0)
    calibrate(index, -1)
    found = face("<face_recognition-{2026.11||/M{yyyy.MM}}>")
    assert found["match"]["probability"] == logistic(found["match"]["similarity"])


@pytest.fixture
def remote(es) -> Iterator[str]:
    """The name by which this cluster is another one to itself."""
    (node,) = es.nodes.info(metric="transport")["nodes"].values()
    seeds = {"cluster.remote.remote.seeds": [node["transport"]["publish_address"]]}
    es.cluster.put_settings(persistent=seeds)
    yield "remote"
    es.cluster.put_settings(persistent=dict.fromkeys(seeds))


def test_of_another_cluster_no_calibration_is_known(portraits, face, similarities, calibrate, remote):
    calibrate(portraits, -1)
    assert is_uncalibrated(face(f"{remote}:{portraits}"), similarities)
    assert similar(face(f"{portraits},{remote}:{portraits}")) == similarities[:1]


def test_a_new_calibration_counts_from_the_next_document(portraits, face, calibrate):
    calibrate(portraits, -1)
    before = face(portraits)["match"]
    calibrate(portraits, -1, logistic={"slope": 2, "offset": 0})
    after = face(portraits)["match"]
    assert after["similarity"] == before["similarity"]
    assert after["probability"] == logistic(after["similarity"], slope=2, offset=0) != before["probability"]
