"""Which photos are whose, and what a bad folder or list of pairs is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluation.folders import Folder, FolderError, Pair, read, read_pairs


def folder_of(root: Path, *names: str) -> Path:
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


@pytest.fixture
def lfw(tmp_path: Path) -> Folder:
    names = [f"{person}/{person}_000{number}.jpg" for person in ("Ann", "Ben", "Cara") for number in (1, 2)]
    return read(folder_of(tmp_path / "lfw", *names))


def pairs_in(text: str, folder: Folder) -> list[Pair]:
    file = folder.root / "pairs.txt"
    file.write_text(text, encoding="utf-8")
    return read_pairs(file, folder)


def test_a_photos_person_is_its_folder(tmp_path):
    folder = read(folder_of(tmp_path, "Ben/b.jpg", "Ann/2.jpg", "Ann/1.jpg"))
    assert [photo.name for photo in folder.photos] == ["1.jpg", "2.jpg", "b.jpg"]
    assert folder.people == ("Ann", "Ann", "Ben")
    assert folder.labels().tolist() == [0, 0, 1]


def test_endings_of_any_case_count_and_hidden_files_and_others_do_not(tmp_path):
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
        (["notes.txt"], "no photo in"),
        (["Ann/1.jpg", "Ann/2.jpg"], r"one person, \[Ann\]"),
        (["Ann/1.jpg", "Ben/1.jpg", "Cara/1.jpg"], "one photo of each of 3 people"),
        (["Ann/1.jpg", "Ann/2.jpg", "Ben/1.jpg", "group.jpg"], "a folder of its person: group.jpg"),
    ],
)
def test_a_folder_that_nothing_can_be_measured_with_says_why(tmp_path, names, message):
    with pytest.raises(FolderError, match=message):
        read(folder_of(tmp_path, *names))


def test_one_photo_each_is_enough_where_two_are_not_needed(tmp_path):
    folder = read(folder_of(tmp_path, "Ann/1.jpg", "Ben/1.jpg"), repeats=False)
    assert folder.people == ("Ann", "Ben")


@pytest.mark.parametrize("name", ["absent", "file.jpg"])
def test_a_folder_that_is_not_there_is_named(tmp_path, name):
    (tmp_path / "file.jpg").touch()
    with pytest.raises(FolderError, match=rf"no folder \[.*{name}\]"):
        read(tmp_path / name)


def test_pairs_come_in_folds_in_the_lists_order(lfw):
    text = "2\t1\nAnn\t1\t2\nAnn\t1\tBen\t2\nBen\t2\t1\nBen\t1\tCara\t2\n"
    assert pairs_in(text, lfw) == [
        Pair(0, 1, True, 0),
        Pair(0, 3, False, 0),
        Pair(3, 2, True, 1),
        Pair(2, 5, False, 1),
    ]


@pytest.mark.parametrize("header", ["1\n", "", "\ufeff1\n", "\n1\n\n"])
def test_a_list_of_one_fold_says_only_how_many_pairs_or_nothing(lfw, header):
    pairs = pairs_in(f"{header}Ann\t1\t2\nAnn\t1\tBen\t2\n", lfw)
    assert pairs == [Pair(0, 1, True, 0), Pair(0, 3, False, 0)]


def test_a_list_with_windows_line_ends_is_read(lfw):
    assert len(pairs_in("1\t1\r\nAnn\t1\t2\r\nAnn\t1\tBen\t2\r\n", lfw)) == 2


def test_a_photo_of_any_ending_is_found(tmp_path):
    folder = read(folder_of(tmp_path, "Ann/Ann_0001.PNG", "Ann/Ann_0002.jpeg", "Ben/Ben_0001.jpg"))
    assert pairs_in("Ann\t1\t2\n", folder) == [Pair(0, 1, True, 0)]


def test_absent_photos_are_named_and_the_rest_counted(lfw):
    lines = [f"Ann\t1\tNobody\t{number}\n" for number in range(1, 9)]
    with pytest.raises(FolderError, match=r"lacks: Nobody/Nobody_0001, .*Nobody_0005 and 3 more$"):
        pairs_in("".join(lines), lfw)


@pytest.mark.parametrize(
    "line",
    [
        "Ann 1 2",
        "Ann\t1",
        "Ann\tone\t2",
        "Ann\t1\tBen\ttwo",
        "Ann\t1\tAnn\t2",
        "Ann\t1\t1",
        "Ann\t1\t2\t3\t4",
        "Ann\t-1\t2",
    ],
)
def test_a_line_that_cannot_be_read_is_told_by_its_number(lfw, line):
    with pytest.raises(FolderError, match=r"line 3 of \[.*pairs.txt\] can't be read"):
        pairs_in(f"1\t1\nAnn\t1\t2\n{line}\n", lfw)


def test_a_list_that_was_cut_off_is_refused(lfw):
    with pytest.raises(FolderError, match=r"says 2 x 2 pairs in its first line, and has 3"):
        pairs_in("2\t1\nAnn\t1\t2\nAnn\t1\tBen\t2\nBen\t2\t1\n", lfw)


def test_an_empty_list_and_an_absent_one_are_refused(lfw):
    with pytest.raises(FolderError, match="no pair in"):
        pairs_in("\n", lfw)
    with pytest.raises(FolderError, match="can't be read: No such file"):
        read_pairs(lfw.root / "absent.txt", lfw)
    (lfw.root / "photo.txt").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(FolderError, match="no list of pairs"):
        read_pairs(lfw.root / "photo.txt", lfw)
