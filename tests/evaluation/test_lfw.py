"""All of LFW through scikit-learn's own download, of a small archive that stands in for it."""

from __future__ import annotations

import shutil
import tarfile
from pathlib import Path

import pytest
from sklearn.datasets import _lfw
from sklearn.datasets._base import RemoteFileMetadata

from evaluation.lfw import fetch
from evaluation.task import folder_task
from faces.labelled_photos import FolderError
from ingest_service.weights.cache import Cache, sha256_of

PAIRS = "2\t1\nAnn\t1\t2\nAnn\t1\tBen\t1\nBen\t1\t2\nAnn\t2\tBen\t2\n"


@pytest.fixture
def empty(tmp_path) -> Cache:
    return Cache(tmp_path / "cache")


@pytest.fixture
def published(tmp_path, people, monkeypatch) -> Path:
    """The folder that scikit-learn is told to download from."""
    folder = tmp_path / "published"
    for name, source in (("Ann", "madonna"), ("Ben", "elton_john")):
        (folder / "lfw" / name).mkdir(parents=True)
        for number, photo in enumerate(people[source][:2], start=1):
            shutil.copy(photo, folder / "lfw" / name / f"{name}_{number:04}.jpg")
    with tarfile.open(folder / "lfw.tgz", "w:gz") as archive:
        archive.add(folder / "lfw", "lfw")
    shutil.rmtree(folder / "lfw")
    for name in ("pairsDevTrain.txt", "pairsDevTest.txt", "pairs.txt"):
        (folder / name).write_text(PAIRS)
    files = {
        path.name: RemoteFileMetadata(path.name, path.as_uri(), sha256_of(path)) for path in folder.iterdir()
    }
    monkeypatch.setattr(_lfw, "ARCHIVE", files.pop("lfw.tgz"))
    monkeypatch.setattr(_lfw, "TARGETS", tuple(files.values()))
    return folder


def test_it_is_fetched_once_into_the_cache_and_has_its_pairs(published, empty):
    said = []
    folder = fetch(empty, said.append)
    assert [path.name for path in empty.root.iterdir()] == [folder.name]
    task = folder_task(folder, None)
    assert sorted({*task.folder.people}) == ["Ann", "Ben"]
    assert task.pairs.folds.tolist() == [0, 0, 1, 1]
    assert task.pairs.same.tolist() == [True, False, True, False]
    shutil.rmtree(published)
    assert fetch(empty, said.append) == folder
    assert "fetching" in said[0]
    assert "reusing" in said[1]


@pytest.mark.parametrize("name", ["lfw.tgz", "pairs.txt"])
def test_a_file_that_was_changed_is_refused_and_nothing_stays(published, empty, name):
    with (published / name).open("ab") as file:
        file.write(b"\n")
    with pytest.raises(FolderError, match=rf"LFW .*\(.*SHA256.*{name}.*FOLDER"):
        fetch(empty, lambda _: None)
    assert list(empty.root.iterdir()) == []


def test_an_archive_that_lacks_a_photo_of_a_pair_is_refused(published, empty, monkeypatch):
    pairs = published / "pairs.txt"
    pairs.write_text(PAIRS.replace("Ben", "Cara"))
    targets = [
        one._replace(checksum=sha256_of(pairs)) if one.filename == pairs.name else one for one in _lfw.TARGETS
    ]
    monkeypatch.setattr(_lfw, "TARGETS", tuple(targets))
    with pytest.raises(FolderError, match="Cara"):
        fetch(empty, lambda _: None)
    assert list(empty.root.iterdir()) == []
