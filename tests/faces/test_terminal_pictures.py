"""Pictures in terminals: which show them, and what they are sent."""

from __future__ import annotations

import base64
import io
import re

import pytest
from PIL import Image
from tools import encoded, landscape, picture

from faces.reviewing.portraits import SIDE, side_by_side
from faces.shown.terminal_pictures import protocol_of, sequence


@pytest.mark.parametrize(
    ("environ", "protocol"),
    [
        ({"TERM": "xterm-kitty"}, "kitty"),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, "kitty"),
        ({"TERM": "xterm-ghostty", "TERM_PROGRAM": "ghostty"}, "kitty"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "iTerm.app"}, "iterm2"),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "WezTerm"}, "iterm2"),
        ({"TERM": "xterm-256color", "LC_TERMINAL": "iTerm2"}, "iterm2"),
        ({"TERM": "xterm-256color"}, None),
        ({"TERM": "xterm-256color", "TERM_PROGRAM": "Apple_Terminal"}, None),
        ({"TERM": "screen-256color", "KITTY_WINDOW_ID": "1"}, None),
        ({"TERM": "tmux-256color", "TERM_PROGRAM": "iTerm.app"}, None),
        ({"TERM": "xterm-kitty", "NO_COLOR": "1"}, None),
        ({}, None),
    ],
)
def test_a_terminal_is_known_by_its_environment(environ, protocol):
    assert protocol_of(environ, is_terminal=True) == protocol
    assert protocol_of(environ, is_terminal=False) is None


@pytest.fixture
def png() -> bytes:
    return picture(landscape(), "PNG")


def test_iterm2_gets_the_picture_in_one_sequence_with_its_size(png):
    found = re.fullmatch(r"\x1b\]1337;File=([^:]*):([A-Za-z0-9+/=]*)\x07\n", sequence(png, "iterm2"))
    assert found
    assert {"inline=1", f"size={len(png)}"} <= set(found[1].split(";"))
    assert base64.b64decode(found[2]) == png


def test_kitty_gets_it_in_chunks_and_answers_nothing(png):
    noise = picture(Image.effect_noise((200, 200), 80), "PNG")
    assert len(noise) > 20_000
    for data in (png, noise):
        parts = re.findall(r"\x1b_G([^;]*);([A-Za-z0-9+/=]*)\x1b\\", sequence(data, "kitty"))
        assert base64.b64decode("".join(chunk for _, chunk in parts)) == data
        assert all(len(chunk) <= 4096 for _, chunk in parts)
        assert {"a=T", "f=100", "q=2"} <= set(parts[0][0].split(","))
        assert [keys[-3:] for keys, _ in parts] == ["m=1"] * (len(parts) - 1) + ["m=0"]
        assert sequence(data, "kitty").endswith("\x1b\\\n")


def opened(png: bytes) -> Image.Image:
    return Image.open(io.BytesIO(png)).convert("RGB")


def test_the_face_and_the_portraits_stand_in_a_row():
    red, blue = (encoded(picture(Image.new("RGB", (50, 50), colour))) for colour in ("#f00", "#00f"))
    row = opened(side_by_side([red, blue, None]))
    assert row.height == SIDE
    first, second, third = (row.getpixel((round(row.width * share), SIDE // 2)) for share in (0.1, 0.5, 0.9))
    assert first[0] - first[2] > 150
    assert second[2] - second[0] > 150
    assert third[0] == pytest.approx(third[2], abs=20)


@pytest.mark.parametrize(
    "crop",
    [
        "not base64",
        encoded(b"not a picture"),
        encoded(picture(landscape())[:500]),
        encoded(picture(Image.new("RGB", (5_000, 10)))),
        encoded(picture(landscape(), "GIF")),
    ],
    ids=["text", "bytes", "cut off", "too large", "another format"],
)
def test_a_stored_crop_that_is_no_small_jpeg_is_a_grey_square(crop):
    assert side_by_side([crop, None]) == side_by_side([None, None])
