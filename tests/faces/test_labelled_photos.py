"""Whose photos a folder has, and what is said of a folder that can't be used."""

from __future__ import annotations

import pytest
from tools import folder_of

from faces.labelled_photos import FolderError, read


def test_a_photos_person_is_its_folder(tmp_path):
    folder = read(folder_of(tmp_path, "Ben/b.jpg", "Ann/2.jpg", "Ann/1.jpg"))
    assert [photo.name for photo in folder.photos] == ["1.jpg", "2.jpg", "b.jpg"]
    assert folder.people == ("Ann", "Ann", "Ben")
    assert folder.labels().tolist() == [0, 0, 1]


def test_suffixes_of_any_case_count_and_hidden_files_and_others_do_not(tmp_path):
    names = "Ann/1.JPG", "Ann/2.jpeg", "Ben/1.Png", "Ben/.2.jpg", ".trash/3.jpg", "Ben/notes.txt", "pairs.txt"
    folder = read(folder_of(tmp_path, *names))
    assert [photo.name for photo in folder.photos] == ["1.JPG", "2.jpeg", "1.Png"]


def test_a_person_in_two_nested_folders_is_one_person(tmp_path):
    folder = read(folder_of(tmp_path, "train/Ann/1.jpg", "val/Ann/2.jpg", "val/Ben/1.jpg"))
    assert folder.people == ("Ann", "Ann", "Ben")
    assert folder.labels().tolist() == [0, 0, 1]


def test_the_sample_photos_are_of_five_people(cache):
    train, val = read(cache.sample / "train"), read(cache.sample / "val")
    assert (len(train.photos), len(val.photos)) == (93, 25)
    assert sorted(set(train.people)) == sorted(set(val.people))
    assert len(set(train.people)) == 5


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["notes.txt"], r"no photos in \["),
        (["Ann/1.jpg", "Ann/2.jpg"], r"one person, \[Ann\]"),
        (["Ann/1.jpg", "Ben/1.jpg", "Cara/1.jpg"], "one photo of each of 3 people"),
        (["Ann/1.jpg", "Ann/2.jpg", "Ben/1.jpg", "group.jpg"], r"directly in \[.*: group.jpg$"),
        (
            ["Ann/1.jpg", "Ann/old/2.jpg", "Ben/1.jpg", "Ben/2.jpg"],
            r"inside a person's folder .*: Ann/old$",
        ),
    ],
)
def test_a_folder_that_cannot_be_used_says_why(tmp_path, names, message):
    with pytest.raises(FolderError, match=message):
        read(folder_of(tmp_path, *names))


def test_linked_folders_are_followed_and_go_round_no_circle(tmp_path):
    elsewhere = folder_of(tmp_path / "elsewhere", "Ann/1.jpg", "Ann/2.jpg")
    folder = folder_of(tmp_path / "photos", "Ben/1.jpg")
    (folder / "Ann").symlink_to(elsewhere / "Ann")
    (folder / "Ben" / "all").symlink_to(folder)
    assert read(folder).people == ("Ann", "Ann", "Ben")


def test_one_photo_each_is_enough_where_two_are_not_needed(tmp_path):
    folder = read(folder_of(tmp_path, "Ann/1.jpg", "Ben/1.jpg"), repeats=False)
    assert folder.people == ("Ann", "Ben")


@pytest.mark.parametrize("name", ["absent", "file.jpg"])
def test_a_folder_that_is_not_there_is_named(tmp_path, name):
    (tmp_path / "file.jpg").touch()
    with pytest.raises(FolderError, match=rf"no such folder \[.*{name}\]"):
        read(tmp_path / name)
