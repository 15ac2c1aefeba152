"""A photo as forms, browsers and mail programs write it: one photo, whatever the text around it."""

from __future__ import annotations

import base64
import hashlib
import tracemalloc
from urllib.parse import quote, quote_from_bytes

import pytest
from tools import encoded

FORMS = {
    "base64url": "{url}",
    "without padding": "{unpadded}",
    "MIME's lines": "{mime}",
    "within white space": " \n{plain}\r\n",
    "a data: URI": "data:image/jpeg;base64,{plain}",
    "upper case": "DATA:IMAGE/JPEG;BASE64,{plain}",
    "a file name": "data:image/jpeg;name=my%20photo.jpg;base64,{plain}",
    "a long file name": f"data:image/jpeg;name={'photo%20' * 90}.jpg;base64,{{plain}}",
    "a quoted file name": 'data:image/jpeg;name="Ann, Ben; 5.jpg";base64,{plain}',
    "a quoted quote": r'data:image/jpeg;name="5\" wide, 7\" high.jpg";base64,{plain}',
    "a quoted backslash at the end": r'data:image/jpeg;name="C:\";base64,{plain}',
    "a quote in a file name": 'data:image/jpeg;name=5" wide.jpg;base64,{plain}',
    "many parameters": "data:image/jpeg;a=1;b=2;c=3;d=4;e=5;f=6;g=7;base64,{plain}",
    "a parameter after base64": "data:image/jpeg;base64;name=a.jpg,{plain}",
    "white space between": "data:image/jpeg; charset=utf-8; base64, {mime}",
    "no media type": "data:;base64,{plain}",
    "base64url in a data: URI": "data:image/jpeg;base64,{url}",
    "escapes as of a form": "data:image/jpeg;base64,{escaped}",
    "escaped lines": "data:image/jpeg;base64,{escaped mime}",
    "bytes as escapes": "data:image/jpeg,{percent}",
    "only bytes": "data:,{percent}",
}


@pytest.fixture(scope="module")
def sent(portrait):
    """The portrait in one of the forms."""
    data = portrait.read_bytes()
    plain, mime = encoded(data), base64.encodebytes(data).decode().replace("\n", "\r\n")
    parts = {
        "{plain}": plain,
        "{url}": base64.urlsafe_b64encode(data).decode().rstrip("="),
        "{unpadded}": plain.rstrip("="),
        "{mime}": mime,
        "{escaped}": quote(plain, safe=""),
        "{escaped mime}": quote(mime, safe=""),
        "{percent}": quote_from_bytes(data, safe=""),
    }

    def of(form: str) -> str:
        for part, text in parts.items():
            form = form.replace(part, text)
        return form

    return of


def result(service, image: str) -> dict:
    answer = service.post("/v1/faces", json={"images": [{"image": image}], "return": ["vector"]}).json
    return answer["results"][0]


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
def test_a_photo_is_the_same_however_its_text_is_written(service, portrait, sent, form):
    found = result(service, sent(form))
    assert len(found["faces"]) == 1
    assert found["file"]["size"] == portrait.stat().st_size
    assert found["file"]["hash"]["sha256"] == hashlib.sha256(portrait.read_bytes()).hexdigest()


@pytest.mark.parametrize(
    "image",
    [
        "AAAAA",  # no number of bytes has so many letters
        "AA=A",
        "AAA====",
        "AA!A",
        "AA%3D%3D",  # escapes are a URI's
        "data:image/png;base64,AA%ZZ",
        "data:image/png;base64,§",
        "data:image/png;base64",
        "data:",
        f"data:image/png;name={'a' * 2_100};base64,AAAA",
        "file:///etc/passwd",
        "blob:https://localhost/5",
    ],
)
def test_what_is_no_base64_is_refused_as_that(service, image):
    assert result(service, image)["error"]["code"] == "not_base64"


@pytest.mark.parametrize(
    "image",
    ["data:;base64," + "A" * 24_000_000, "data:," + "%41" * 34_000_000, "A \n" * 21_000_000],
    ids=["base64", "escapes", "lines"],
)
def test_a_photo_over_the_limit_is_refused_before_it_is_decoded(service, image):
    assert result(service, image)["error"]["code"] == "too_large"


def test_a_photo_in_escapes_takes_a_few_times_its_text_in_memory():
    from ingest_service.data_uris import photo_bytes

    text = "data:," + "%ff" * 2_000_000
    tracemalloc.start()
    try:
        assert photo_bytes(text, 15_000_000) == b"\xff" * 2_000_000
        assert tracemalloc.get_traced_memory()[1] < 6 * len(text)
    finally:
        tracemalloc.stop()
