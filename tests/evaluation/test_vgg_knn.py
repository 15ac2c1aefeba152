"""The report's baseline: its score on its own training set says nothing. And what happens without weights."""

from __future__ import annotations

import numpy as np
import pytest

from evaluation.vgg_knn import DIMS, TRAINING_SET_NOTE, Vgg, VggError, left_out, score


@pytest.fixture(scope="module")
def network():
    import keras

    keras.utils.set_random_seed(0)
    return Vgg.build(None)


def labels(*people: str) -> np.ndarray:
    return np.unique(people, return_inverse=True)[1]


def test_with_random_weights_the_reports_score_is_100_percent(network, people, tmp_path):
    paths = [path for photos in people.values() for path in photos[:3]]
    names = labels(*(path.parent.name for path in paths))
    (tmp_path / "text.jpg").write_text("not a photo")
    told = []
    found = network.embed([*paths, tmp_path / "text.jpg"], told.append)
    assert found.vectors.shape == (16, DIMS)
    assert found.unreadable.tolist() == 15 * [False] + [True]
    assert found.failed.tolist() == found.unreadable.tolist()
    assert told == [16]

    first, _, third = score(found.vectors[:15], names)
    assert (first.k, first.training_set) == (1, 1.0)
    assert first.left_out < 0.9
    assert third.training_set < 1
    assert "99.98 %" in TRAINING_SET_NOTE


def test_a_photo_is_embedded_the_same_alone_and_in_its_place(network, sample):
    together = network.embed(sample[:18], lambda _: None).vectors  # more than a batch
    alone = network.embed(sample[17:18], lambda _: None).vectors
    assert np.allclose(together[17], alone[0], rtol=1e-3, atol=1e-6)


def test_left_out_is_the_last_photo_of_each_person_with_two_or_more():
    assert left_out(labels("ann", "ann", "ben", "cara", "ann", "cara")).tolist() == [4, 5]
    assert left_out(labels("ann", "ben")).tolist() == []


def test_well_separated_people_are_known_on_what_was_left_out_and_failures_are_errors():
    people = np.repeat(np.arange(4), 5)
    noise = np.random.default_rng(0).normal(0, 0.1, (20, 8))
    vectors = (np.eye(8)[people] * 10 + noise).astype(np.float32)
    assert [(one.k, one.training_set, one.left_out) for one in score(vectors, people)] == [
        (1, 1.0, 1.0),
        (2, 1.0, 1.0),
        (3, 1.0, 1.0),
    ]
    vectors[19] = np.nan
    assert [(one.training_set, one.left_out) for one in score(vectors, people)] == 3 * [(0.95, 0.75)]


def test_too_few_photos_for_k_have_no_score():
    vectors = np.eye(2, dtype=np.float32)
    assert [(one.training_set, one.left_out) for one in score(vectors, labels("ann", "ben"))] == [
        (1.0, None),
        (0.5, None),
        (None, None),
    ]


def test_people_of_whom_most_have_one_photo_are_scored_without_a_warning(recwarn):
    people = np.concatenate([np.arange(30), [29, 29]])
    vectors = np.eye(32, dtype=np.float32)
    assert score(vectors, people)[0].training_set == 1
    assert [str(warning.message) for warning in recwarn] == []


def test_a_photo_that_is_there_under_two_names_is_what_misses_at_k_1():
    vectors = np.eye(4, dtype=np.float32)[[0, 1, 2, 2]]
    assert score(vectors, labels("ann", "ben", "cara", "dan"))[0].training_set == 0.75


def test_a_file_of_other_weights_is_refused(tmp_path, cache):
    other = cache.deepface_weights / "facenet_weights.h5"
    text = tmp_path / "weights.h5"
    text.write_text("no weights")
    for file in (other, text, tmp_path / "absent.h5", tmp_path / "weights.txt"):
        with pytest.raises(VggError, match=r"doesn't hold VGG-16's weights.*notop\.h5") as error:
            Vgg.load(file)
        assert str(file) in str(error.value)


def test_a_file_of_keras_is_taken(network, tmp_path, sample):
    file = tmp_path / "own.weights.h5"
    network.network.save_weights(file)
    taken = Vgg.load(file)
    expected = network.embed(sample[:2], lambda _: None).vectors
    assert np.allclose(taken.embed(sample[:2], lambda _: None).vectors, expected, rtol=1e-4)


@pytest.mark.slow
def test_weights_that_cannot_be_fetched_or_take_too_long_are_refused(monkeypatch, tmp_path):
    for name in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")  # nobody listens there
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("KERAS_HOME", str(tmp_path))
    with pytest.raises(VggError, match=r"can't be fetched \(.*--vgg-weights FILE"):
        Vgg.load()
    with pytest.raises(VggError, match=r"0\.1 seconds.*--vgg-weights FILE"):
        Vgg.load(patience_s=0.1)
