"""Links that open Console with a file of kibana/console in its editor."""

from __future__ import annotations

from urllib.parse import urljoin

import pytest
from dev_tools import decompressed

from kibana.console_links import ConsoleFile, files, link, markdown
from kibana.lz_string import ALPHABET, compress_to_encoded_uri_component

PREFIX = "dev_tools#/console?load_from=data:text/plain,"


@pytest.mark.parametrize("file", files(), ids=lambda file: file.name)
def test_a_link_opens_console_with_its_file(file: ConsoleFile):
    assert link(file.text).startswith(PREFIX)
    assert decompressed(link(file.text).removeprefix(PREFIX)) == file.text


@pytest.mark.parametrize(
    ("text", "compressed"),
    [
        # The second is of Kibana's own tests of load_from, the third of lz-string 1.5.0.
        ("", "Q"),
        ("hello", "BYUwNmD2Q"),
        (
            'GET faces/_search\n{ "query": { "bool": { "must": [{ "match_all": {} }] } } }\n',
            "OIUQKgBAZghgxgUwM4HoD6SEwE5wBYBQA3hAEQCOArgtgJ6kBcEJpARgPbsA2jzZAtpSQAXXgG0W-GMPxoYXHkyIBfCMoC6arcoJA",
        ),
    ],
    ids=["nothing", "a word", "a search"],
)
def test_the_compression_is_lz_strings(text, compressed):
    assert compress_to_encoded_uri_component(text) == compressed
    assert decompressed(compressed) == text


def test_a_link_stays_in_the_space_and_below_the_base_path():
    (file, *_) = files()
    for page in ("/app/dashboards", "/s/night/app/dashboards", "/base/s/night/app/dashboards"):
        target = urljoin(f"https://kibana.example{page}#/view/board", link(file.text))
        assert target.startswith(
            f"https://kibana.example{page.removesuffix('dashboards')}dev_tools#/console?"
        )


def test_every_link_is_short_and_needs_no_escape_in_markdown():
    for file in files():
        assert len(link(file.text)) < 8000
        assert set(link(file.text).removeprefix(PREFIX)) <= set(ALPHABET)


def test_every_file_says_what_it_is_for():
    listed = files()
    assert [file.name[:2] for file in listed] == [f"{number:02}" for number in range(1, len(listed) + 1)]
    assert len({file.title for file in listed}) == len(listed)
    for file in listed:
        assert file.title
        assert file.purpose.endswith(".")
        assert f"- [{file.title}]({link(file.text)}): {file.purpose}\n" in markdown()
