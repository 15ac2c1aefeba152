"""What Kibana makes of a hostile value by the formats of our data views; tests/kibana draws the panels."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from hostile_text import ADDRESSES
from kibana_url_format import ORIGIN, shown

from kibana import build, importing, lint
from kibana.boards import data_views
from kibana.objects.data_view import Field, link

VIEWS = {
    one["id"]: json.loads(one["attributes"]["fieldFormatMap"])
    for one in importing.shipped()
    if one["type"] == "index-pattern"
}


class Addresses(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        assert {name for name, _ in attrs} <= {"href", "target", "rel", "src", "alt"}
        self.found += [value for name, value in attrs if name in ("href", "src")]


@pytest.mark.parametrize("view", VIEWS)
def test_no_address_from_outside_becomes_a_link(view):
    for field, form in VIEWS[view].items():
        for address in ADDRESSES:
            for found in Addresses(shown(address, form)).found:
                if field != "file.hash.sha256":
                    assert found.startswith("data:image/jpeg;base64,"), field
    assert "url.original" not in VIEWS[view]


def test_a_photos_link_leads_to_discover_and_is_made_of_its_hash():
    for view in ("ingest-face-faces", "ingest-face-probes"):
        (address,) = Addresses(shown("0123abcd" * 8, VIEWS[view]["file.hash.sha256"])).found
        assert address.startswith(f"{ORIGIN}/app/../app/discover#/")
        assert "0123abcd" * 8 in address
        assert "_id" not in VIEWS[view]


@pytest.mark.parametrize(
    ("name", "template"), [("url.original", "{{rawValue}}"), ("_id", "../app/discover#/?q={{value}}")]
)
def test_a_link_made_of_a_senders_value_is_a_problem(monkeypatch, name, template):
    assert lint.problems(build.content()) == []
    monkeypatch.setitem(data_views.FACES.fields, name, Field("x", "x", link(template, "open")))
    (problem,) = lint.problems(build.content())
    assert f"[{name}]" in problem
