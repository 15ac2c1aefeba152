"""The date of a photo that has none in EXIF."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from faces.photo_dates.dates import PhotoDate, PhotoDates

CHANGED = 1_000_000_000  # 2001-09-09
TAKEN = "1998-07-12T21:00:00+00:00"
TAKEOUT = json.dumps({"title": "IMG.jpg", "photoTakenTime": {"timestamp": "900277200"}})
XMP = """<x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:xmp="http://ns.adobe.com/xap/1.0/"
xmlns:photoshop="http://ns.adobe.com/photoshop/1.0/" {attributes}>{elements}</rdf:Description>
</rdf:RDF></x:xmpmeta>"""


def date_of(photo: Path) -> PhotoDate | None:
    return PhotoDates().of(photo)


def xmp(attributes: str = "", elements: str = "") -> str:
    return XMP.format(attributes=attributes, elements=elements)


@pytest.fixture
def photo(tmp_path):
    """Writes a photo, and files beside it."""

    def write(name="IMG.jpg", content=b"", **beside):
        path = tmp_path / name
        path.write_bytes(content)
        os.utime(path, (CHANGED, CHANGED))
        for other, text in beside.items():
            (tmp_path / other).write_text(text)
        return path

    return write


@pytest.mark.parametrize(
    ("name", "sidecar"),
    [
        ("IMG.jpg", "IMG.jpg.json"),
        ("IMG.jpg", "IMG.json"),
        ("IMG.jpg", "IMG.jpg.supplemental-metadata.json"),
        ("IMG.jpg", "IMG.jpg.supplemental-meta.json"),
        ("IMG.jpg", "IMG.jpg.s.json"),
        ("IMG(1).jpg", "IMG.jpg(1).json"),
        ("IMG(1).jpg", "IMG(1).jpg.json"),
        ("IMG(1).jpg", "IMG.jpg.supplemental-metadata(1).json"),
        ("IMG-edited.jpg", "IMG.jpg.json"),
        ("IMG-bearbeitet(1).jpg", "IMG.jpg(1).json"),
        (f"{'a' * 50}.jpg", f"{'a' * 46}.json"),
        (f"{'a' * 40}.jpg", f"{'a' * 40}.jpg.s.json"),
    ],
)
def test_takeouts_json_dates_its_photo(photo, name, sidecar):
    assert date_of(photo(name, **{sidecar: TAKEOUT})) == PhotoDate(TAKEN, "takeout")


@pytest.mark.parametrize(
    ("name", "sidecar"),
    [
        ("IMG.jpg", "IMG.jpg(1).json"),
        ("IMG(1).jpg", "IMG.jpg.json"),
        ("IMG(1).jpg", "IMG.jpg(2).json"),
        ("IMG.jpg", "IMG_2.jpg.json"),
        ("IMG.jpg", "metadata.json"),
        ("IMG.jpg", "IMG.png.json"),
        ("IMG_1.jpg", "IMG_12.jpg.json"),
    ],
)
def test_the_json_of_another_photo_does_not_date_it(photo, name, sidecar):
    assert date_of(photo(name, **{sidecar: TAKEOUT})).source == "file"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "[]",
        "{}",
        '{"photoTakenTime": null}',
        '{"photoTakenTime": {"timestamp": "soon"}}',
        '{"photoTakenTime": {"timestamp": "0"}}',
        '{"photoTakenTime": {"timestamp": 1e300}}',
        '{"photoTakenTime": {"timestamp": "99999999999999999"}}',
        "[" * 100_000,
    ],
)
def test_a_sidecar_without_a_date_leaves_the_files_time(photo, text):
    assert date_of(photo(**{"IMG.jpg.json": text})) == PhotoDate("2001-09-09T01:46:40.000+00:00", "file")


@pytest.mark.parametrize("sidecar", ["IMG.xmp", "IMG.jpg.xmp", "img.XMP"])
@pytest.mark.parametrize(
    ("content", "date"),
    [
        (xmp('exif:DateTimeOriginal="1998-07-12T21:00:00+02:00"'), "1998-07-12T21:00:00+02:00"),
        (xmp('exif:DateTimeOriginal="1998-07-12T21:00:00.25Z"'), "1998-07-12T21:00:00.25Z"),
        (xmp('exif:DateTimeOriginal="1998-07-12T21:00"'), "1998-07-12T21:00:00"),
        (xmp(elements="<photoshop:DateCreated>1998-07</photoshop:DateCreated>"), "1998-07"),
        (xmp('xmp:CreateDate="2020-01-01" photoshop:DateCreated="1998"'), "1998"),
        (xmp('exif:DateTimeOriginal="0000-00-00T00:00:00" xmp:CreateDate="1998-07-12"'), "1998-07-12"),
    ],
)
def test_xmp_beside_a_photo_dates_it(photo, sidecar, content, date):
    assert date_of(photo(**{sidecar: content})) == PhotoDate(date, "xmp")


def test_xmp_in_the_photo_dates_it_and_takeout_comes_first(photo):
    inside = b"\xff\xd8...." + xmp('xmp:CreateDate="1998-07-12"').encode() + b"...."
    assert date_of(photo(content=inside)) == PhotoDate("1998-07-12", "xmp")
    assert date_of(photo("IMG2.jpg", inside, **{"IMG2.jpg.json": TAKEOUT})) == PhotoDate(TAKEN, "takeout")


BOMB = '<!DOCTYPE x [<!ENTITY a "1998"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>' + xmp(
    'exif:DateTimeOriginal="1998-07-12"', "&b;"
)


@pytest.mark.parametrize(
    "content", ["", "<x:xmpmeta", "no XML", xmp(), BOMB, xmp('xmp:CreateDate="1998-13-01"')]
)
def test_xmp_that_is_broken_hostile_or_undated_leaves_the_files_time(photo, content):
    assert date_of(photo(**{"IMG.xmp": content})).source == "file"


def test_a_file_that_is_gone_has_no_date(tmp_path):
    assert date_of(tmp_path / "gone.jpg") is None
