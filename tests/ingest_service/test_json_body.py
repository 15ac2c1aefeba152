"""Escapes in a photo's text: those that programs write are read, and none makes the text larger in memory."""

from __future__ import annotations

import base64
import json
import sys

from ingest_service import json_body

PHOTO = base64.b64encode(bytes(range(256)) * 20).decode()


def text(photo: str) -> str:
    body = json.dumps({"images": [{"image": photo}]}).replace("+", "\\u002B")
    (found,) = json_body.read(body.encode(), 10_000, 1_000_000).texts.values()
    return found


def test_a_plus_sign_and_a_files_name_may_be_escaped():
    assert "+" in PHOTO
    header = "data:image/jpeg;name={}.jpg;base64,"
    assert text(header.format("für") + PHOTO) == header.format("f?r") + PHOTO


def test_an_escaped_letter_behind_the_header_is_no_photos_wherever_it_stands():
    for before in (*range(16_370, 16_400), 100_000):
        found = text("a" * before + "\U0001f600" + "a" * 100_000)
        assert found.isascii()
        assert sys.getsizeof(found) < 250_000
