"""Which files of a folder are taken as photos, and what is said of the others."""

from __future__ import annotations

import os
import unicodedata

import pytest
from tools import folder_of, landscape, picture

from faces.labelled_pairs import read_pairs
from faces.labelled_photos import read
from faces.photo_folders.reading import read_folder, reasons

JPEG = picture(landscape())
UUID = "0b0a4b1e-58a8-4a3c-9d5e-0123456789ab"


def taken(folder, **options) -> list[str]:
    return [photo.name for photo in read_folder(folder, **options).photos]


def skipped(folder, **options) -> dict[str, str]:
    return {file.name: file.reason for file in read_folder(folder, **options).skipped}


@pytest.mark.parametrize(
    "made",
    [
        ["@eaDir/a.jpg/SYNOPHOTO_THUMB_XL.jpg"],
        ["Ann/@eaDir/a.jpg/SYNOPHOTO_THUMB_M.jpg"],
        ["#recycle/deleted.jpg"],
        ["$RECYCLE.BIN/S-1-5-21-1/$RABCDEF.jpg"],
        ["System Volume Information/x.jpg"],
        ["@Recycle/old.jpg"],
        [".@__thumb/default_a.jpg"],
        [".thumbnails/1.jpg"],
        [".Trash-1000/files/a.jpg"],
        ["LOST.DIR/1234.jpg"],
        [".dtrash/a.jpg"],
        ["Lightroom Catalog Previews.lrdata/1/a.jpg"],
        ["__MACOSX/._a.jpg"],
        ["._a.jpg"],
        ["thumbs/u/00/1-preview.jpeg", "encoded-video/u/1.mp4"],
        ["thumbs/u/00/1-preview.jpeg", "upload/u/kept.jpg"],
        [f"thumbs/{UUID}/00/1-preview.jpeg"],
        ["profile/x/me.jpg", "profile/.immich"],
        ["P.photoslibrary/resources/derivatives/1.jpeg", "P.photoslibrary/originals/0/kept.jpg"],
        ["P.aplibrary/Previews/1.jpg", "P.aplibrary/Masters/2020/kept.jpg"],
        ["Photos/resources/renders/1.jpg", "Photos/database/Photos.sqlite", "Photos/originals/0/kept.jpg"],
    ],
)
def test_what_programs_put_beside_the_photos_is_left_out_unless_all_is_wanted(tmp_path, made):
    folder = folder_of(tmp_path, "a.jpg", "Ann/b.jpg", *made)
    kept = [name for name in made if "kept" in name]
    assert sorted(taken(folder)) == sorted(["a.jpg", "Ann/b.jpg", *kept])
    left_out = {name for name in made if name.endswith(("jpg", "jpeg")) and name not in kept}
    assert left_out <= set(skipped(folder))
    assert left_out <= set(taken(folder, include_all=True))


def test_a_system_folder_is_named_and_its_files_are_counted(tmp_path):
    folder = folder_of(tmp_path, "a.jpg", "@eaDir/1.jpg", "x/@eaDir/2.jpg", "#recycle/3.jpg", "film.mp4")
    found = reasons(read_folder(folder).skipped)
    assert found == {"system folder @eaDir": 2, "system folder #recycle": 1, "video": 1}


@pytest.mark.parametrize(
    "names",
    [
        ["thumbs/a.jpg", "Ann/b.jpg"],
        ["resources/a.jpg", "Ann/b.jpg"],
        ["originals/a.jpg", "resources/b.jpg"],
        ["profile/a.jpg", "upload/b.jpg"],
        ["cache/a.jpg"],
        ["backups/2020/a.jpg", "library/b.jpg"],
        ["recycled/a.jpg"],
    ],
)
def test_a_persons_folder_that_has_a_programs_name_is_taken(tmp_path, names):
    assert sorted(taken(folder_of(tmp_path, *names))) == sorted(names)


def test_the_folder_that_was_asked_for_is_taken_whatever_its_name(tmp_path):
    folder_of(tmp_path, "#recycle/a.jpg", ".hidden/b.jpg")
    assert taken(tmp_path / "#recycle") == ["a.jpg"]
    assert taken(tmp_path / ".hidden") == ["b.jpg"]


def test_nobody_is_named_after_a_system_folder_or_a_librarys_inside(tmp_path):
    names = ("Ann/a.jpg", "Ann/@eaDir/a.jpg/T.jpg", "@eaDir/x.jpg", "Ben/P.photoslibrary/originals/0/b.jpg")
    folder = folder_of(tmp_path, *names)
    for include_all in (False, True):
        photos = read_folder(folder, labels_from_folders=True, include_all=include_all).photos
        assert {photo.label for photo in photos if "x.jpg" not in photo.name} == {"Ann", "Ben"}
        assert {photo.label for photo in photos if "x.jpg" in photo.name} <= {None}


@pytest.mark.parametrize(
    ("original", "twin"),
    [
        ("IMG_1.jpg", "IMG_1-edited.jpg"),
        ("IMG_1.JPG", "IMG_1-edited.jpg"),
        ("IMG_1.heic", "IMG_1-edited.jpg"),
        ("IMG_1(2).jpg", "IMG_1-edited(2).jpg"),
        ("IMG_1.jpg", "IMG_1-bearbeitet.jpg"),
        ("IMG_1.jpg", unicodedata.normalize("NFD", "IMG_1-modifié.jpg")),
        ("IMG_1.jpg", "IMG_1-ha editado.jpg"),
        ("IMG_1.jpg", "IMG_1-изменено.jpg"),
        ("IMG_1.jpg", "IMG_1-수정됨.jpg"),
        (f"{'a' * 43}.jpg", f"{'a' * 43}-edi.jpg"),
        ("IMG_0042.HEIC", "IMG_E0042.HEIC"),
        ("PXL_1.jpg", "PXL_1~2.jpg"),
        ("photo.jpg", "photo.jpg_original"),
    ],
)
def test_an_edited_twin_is_left_out_beside_its_original_and_taken_without_it(tmp_path, original, twin):
    (tmp_path / "both").mkdir()
    (tmp_path / "alone").mkdir()
    for name in (original, twin):
        (tmp_path / "both" / name).write_bytes(JPEG)
    (tmp_path / "alone" / twin).write_bytes(JPEG)
    assert taken(tmp_path / "both") == [original]
    assert list(skipped(tmp_path / "both").values()) == ["edited copy"]
    assert len(taken(tmp_path / "both", include_all=True)) == 2
    assert len(taken(tmp_path / "alone")) == 1


def test_links_to_a_photo_of_the_folder_are_left_out_and_others_followed(tmp_path):
    folder = folder_of(tmp_path / "photos", "z/a.jpg", "b.jpg")
    elsewhere = folder_of(tmp_path / "elsewhere", "c.jpg", "more/d.jpg")
    (folder / "a-link.jpg").symlink_to(folder / "z" / "a.jpg")
    (folder / "c-link.jpg").symlink_to(elsewhere / "c.jpg")
    (folder / "gone.jpg").symlink_to(folder / "nothing.jpg")
    (folder / "album").symlink_to(folder / "z")
    (folder / "more").symlink_to(elsewhere / "more")
    os.link(folder / "b.jpg", folder / "hard.jpg")
    assert taken(folder) == ["b.jpg", "c-link.jpg", "more/d.jpg", "z/a.jpg"]
    assert skipped(folder) == {"a-link.jpg": "link", "hard.jpg": "link", "gone.jpg": "broken link"}


ENDINGS = ".heic .HEIF .hif .jfif .mpo .avif .jpe .tif .webp .gif .bmp .png"


@pytest.mark.parametrize("ending", ENDINGS.split())
def test_every_ending_of_a_photo_is_taken(tmp_path, ending):
    assert taken(folder_of(tmp_path, f"a{ending}")) == [f"a{ending}"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "GIF", "BMP", "TIFF", "WEBP", "AVIF"])
@pytest.mark.parametrize("name", ["no ending", "a.txt", "a.jpg.bak", "a.20200101", "a.mp4"])
def test_a_photo_with_no_ending_or_a_wrong_one_is_known_by_its_content(tmp_path, kind, name):
    (tmp_path / name).write_bytes(picture(landscape(), kind))
    assert taken(tmp_path) == [name]


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("a.mp4", b"\0\0\0\x20ftypisom", "video"),
        ("film", b"\0\0\0\x20ftypqt  ", "video"),
        ("a.cr2", b"II*\0\x10\0\0\0CR", "raw photo"),
        ("a.nef", b"MM\0*", "raw photo"),
        ("a.thm", JPEG, "thumbnail"),
        ("a.psd", b"8BPS", "picture of another format"),
        ("a.xmp", b"<x:xmpmeta", "sidecar"),
        ("a.jpg.json", b"{}", "sidecar"),
        ("a.pdf", b"%PDF-1.7", "document"),
        ("BMW", b"BMW is no bitmap, but starts like one", "no photo"),
        ("empty", b"", "no photo"),
        ("Thumbs.db", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "system file"),
        (".DS_Store", b"", "system file"),
    ],
)
def test_everything_else_is_named_by_what_it_is(tmp_path, name, content, reason):
    (tmp_path / name).write_bytes(content)
    assert skipped(tmp_path) == {name: reason}


def test_a_pipe_is_left_alone(tmp_path):
    os.mkfifo(tmp_path / "pipe.jpg")
    assert skipped(tmp_path) == {"pipe.jpg": "no regular file"}


def test_two_spellings_of_a_persons_name_are_one_person(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))
    folder = folder_of(tmp_path, f"{composed}/1.jpg", f"{decomposed}/2.jpg", "Ben/3.jpg")
    assert sorted(read(folder).people) == ["Ben", composed, composed]
    photos = read_folder(folder, labels_from_folders=True).photos
    assert {photo.label for photo in photos} == {"Ben", composed}
    assert {photo.name for photo in photos} == {f"{composed}/1.jpg", f"{composed}/2.jpg", "Ben/3.jpg"}


def test_system_folders_do_not_stop_a_calibration(tmp_path):
    folder = folder_of(
        tmp_path, "Ann/1.jpg", "Ann/2.jpg", "Ann/@eaDir/1.jpg/T.jpg", "Ben/1.jpg", "@eaDir/x.jpg"
    )
    assert read(folder).people == ("Ann", "Ann", "Ben")


def test_a_list_of_pairs_may_spell_a_name_otherwise_than_the_folder(tmp_path):
    composed, decomposed = (unicodedata.normalize(form, "Zoë") for form in ("NFC", "NFD"))
    names = [f"{decomposed}/{decomposed}_000{number}.jpg" for number in (1, 2)]
    folder = read(folder_of(tmp_path / "photos", *names, "Ben/Ben_0001.jpg"))
    pairs = tmp_path / "pairs.txt"
    pairs.write_text(f"{composed}\t1\t2\n{composed}\t1\tBen\t1\n", encoding="utf-8")
    assert [pair.same for pair in read_pairs(pairs, folder)] == [True, False]
