"""When a photo was taken, from EXIF as cameras, scanners and telephones write it."""

from __future__ import annotations

import pillow_heif
import pytest
from PIL import ExifTags
from PIL.Image import Exif
from tools import encoded, landscape, picture

pillow_heif.register_heif_opener()  # for writing it

ORIGINAL, DIGITIZED, CHANGED = 0x9003, 0x9004, 0x0132
ZONE, ZONE_ORIGINAL, ZONE_DIGITIZED = 0x9010, 0x9011, 0x9012
FRACTION_ORIGINAL, FRACTION_DIGITIZED = 0x9291, 0x9292
SPRING, SUMMER = "2004:05:01 12:30:00", "2010:07:02 08:15:30"


@pytest.fixture(scope="module")
def taken(service):
    """`photo.taken` of a photo with these tags; None if there is none."""

    def of(tags: dict[int, object], kind: str = "JPEG") -> str | None:
        exif = Exif()
        exif[0x010F] = "a camera"
        for tag, value in tags.items():
            (exif if tag == CHANGED else exif.get_ifd(ExifTags.IFD.Exif))[tag] = value
        image = {"image": encoded(picture(landscape(), kind, exif=exif.tobytes()))}
        [result] = service.post("/v1/faces", json={"images": [image], "return": []}).json["results"]
        return result["photo"].get("taken")

    return of


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF", "HEIF"])
def test_every_format_has_its_date(taken, kind):
    assert taken({ORIGINAL: SPRING, ZONE: "+02:00"}, kind) == "2004-05-01T12:30:00+02:00"


@pytest.mark.parametrize(
    "original",
    [
        None,
        "",
        "0000:00:00 00:00:00",
        "    :  :     :  :  ",
        "                   ",
        "\0" * 19,
        "2004:13:45 12:30:00",
        "2004:02:30 12:30:00",
        "2004:05:01 25:00:00",
        "0001:01:01 00:00:00",
        "yesterday",
        "2004:05:01",
        "é" * 30,
    ],
)
def test_without_a_possible_date_of_the_shot_that_of_the_scan_counts(taken, original):
    tags = {} if original is None else {ORIGINAL: original}
    assert taken({**tags, DIGITIZED: SUMMER}) == "2010-07-02T08:15:30"
    # When the file was last changed says nothing of the photo.
    assert taken({**tags, CHANGED: SUMMER}) is None


def test_the_date_of_the_shot_is_preferred_to_that_of_the_scan(taken):
    tags = {ORIGINAL: SPRING, DIGITIZED: SUMMER, ZONE_DIGITIZED: "+05:30"}
    assert taken(tags) == "2004-05-01T12:30:00"


@pytest.mark.parametrize(
    ("zones", "expected"),
    [
        ({ZONE: "+02:00"}, "+02:00"),
        ({ZONE: "-09:30"}, "-09:30"),
        ({ZONE: "Z"}, "+00:00"),
        ({ZONE: "+02:00", ZONE_ORIGINAL: "-03:00"}, "-03:00"),
        ({ZONE: "+02:00", ZONE_ORIGINAL: "   :  "}, "+02:00"),
        ({ZONE_DIGITIZED: "+02:00"}, ""),
        ({ZONE: "+25:00"}, ""),
        ({ZONE: "local"}, ""),
    ],
)
def test_a_zone_is_the_shots_or_else_the_files(taken, zones, expected):
    assert taken({ORIGINAL: SPRING, **zones}) == "2004-05-01T12:30:00" + expected


def test_a_scan_has_its_own_zone_and_fraction(taken):
    tags = {DIGITIZED: SUMMER, ZONE_DIGITIZED: "+01:00", ZONE: "+02:00", FRACTION_DIGITIZED: "25"}
    assert taken({**tags, FRACTION_ORIGINAL: "99"}) == "2010-07-02T08:15:30.25+01:00"


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [("123", ".123"), ("07 ", ".07"), (" ", ""), ("x", ""), ("1234567", ".123456")],
)
def test_photos_of_one_second_are_told_apart(taken, fraction, expected):
    tags = {ORIGINAL: SPRING, FRACTION_ORIGINAL: fraction, ZONE_ORIGINAL: "+02:00"}
    assert taken(tags) == f"2004-05-01T12:30:00{expected}+02:00"


def test_dates_as_other_programs_write_them_are_read(taken):
    for text in ("2004-05-01 12:30:00", "2004:05:01T12:30:00Z", "2004/05/01 12:30:00.5"):
        assert taken({ORIGINAL: text}) == "2004-05-01T12:30:00"
