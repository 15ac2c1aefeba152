"""The pairs that a list names, and what is said of a list that can't be used."""

from __future__ import annotations

from pathlib import Path

import pytest
from tools import folder_of

from faces.labelled_pairs import LabelledPair, read_pairs
from faces.labelled_photos import Folder, FolderError, read


@pytest.fixture
def lfw(tmp_path: Path) -> Folder:
    names = [f"{person}/{person}_000{number}.jpg" for person in ("Ann", "Ben", "Cara") for number in (1, 2)]
    return read(folder_of(tmp_path / "lfw", *names))


def pairs_in(text: str, folder: Folder) -> list[LabelledPair]:
    file = folder.root / "pairs.txt"
    file.write_text(text, encoding="utf-8")
    return read_pairs(file, folder)


def test_pairs_come_in_folds_in_the_lists_order(lfw):
    text = "2\t1\nAnn\t1\t2\nAnn\t1\tBen\t2\nBen\t2\t1\nBen\t1\tCara\t2\n"
    assert pairs_in(text, lfw) == [
        LabelledPair(0, 1, True, 0),
        LabelledPair(0, 3, False, 0),
        LabelledPair(3, 2, True, 1),
        LabelledPair(2, 5, False, 1),
    ]


@pytest.mark.parametrize("header", ["1\n", "", "\ufeff1\n", "\n1\n\n"])
def test_a_list_of_one_fold_says_only_how_many_pairs_or_nothing(lfw, header):
    pairs = pairs_in(f"{header}Ann\t1\t2\nAnn\t1\tBen\t2\n", lfw)
    assert pairs == [LabelledPair(0, 1, True, 0), LabelledPair(0, 3, False, 0)]


def test_a_list_with_windows_line_ends_is_read(lfw):
    assert len(pairs_in("1\t1\r\nAnn\t1\t2\r\nAnn\t1\tBen\t2\r\n", lfw)) == 2


def test_a_photo_of_any_suffix_is_found(tmp_path):
    folder = read(folder_of(tmp_path, "Ann/Ann_0001.PNG", "Ann/Ann_0002.jpeg", "Ben/Ben_0001.jpg"))
    assert pairs_in("Ann\t1\t2\n", folder) == [LabelledPair(0, 1, True, 0)]


def test_missing_photos_are_named_and_the_rest_counted(lfw):
    lines = [f"Ann\t1\tNobody\t{number}\n" for number in range(1, 9)]
    with pytest.raises(FolderError, match=r"Nobody/Nobody_0001, .*Nobody_0005 and 3 more$"):
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
def test_a_line_that_cannot_be_read_is_named_by_its_number(lfw, line):
    with pytest.raises(FolderError, match=r"line 3 of \[.*pairs.txt\] can't be read"):
        pairs_in(f"1\t1\nAnn\t1\t2\n{line}\n", lfw)


def test_a_list_that_was_cut_off_is_refused(lfw):
    with pytest.raises(FolderError, match=r"\[.*pairs.txt\] says 2 x 2 pairs, .* 3:"):
        pairs_in("2\t1\nAnn\t1\t2\nAnn\t1\tBen\t2\nBen\t2\t1\n", lfw)


def test_an_empty_list_and_an_absent_one_are_refused(lfw):
    with pytest.raises(FolderError, match=r"\[.*pairs.txt\] has no pairs"):
        pairs_in("\n", lfw)
    with pytest.raises(FolderError, match=r"\[.*absent.txt\] .*No such file"):
        read_pairs(lfw.root / "absent.txt", lfw)
    (lfw.root / "photo.txt").write_bytes(b"\xff\xd8\xff")
    with pytest.raises(FolderError, match=r"\[.*photo.txt\] .*UTF-8"):
        read_pairs(lfw.root / "photo.txt", lfw)
