"""The desk beside the other local servers: its port, its environment, and the browser it is opened in."""

from __future__ import annotations

import socket
import sys
import webbrowser

import pytest

from es_setup.connection import Connection
from faces import local_desk
from faces.cli.servers import open_in_browser

URL = "http://127.0.0.1:8502"


def test_a_taken_port_gives_way_to_a_free_one():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        other = local_desk.free_or_other(port)
        assert other != port
    assert local_desk.free_or_other(port) == port


def test_the_desk_gets_the_stacks_addresses_and_nobody_elses_credentials(monkeypatch):
    for name in ("ES_API_KEY", "ES_USER", "ES_PASSWORD", "FACES_API_KEY", "KIBANA_PASSWORD", "ES_URL"):
        monkeypatch.setenv(name, "of-another-cluster")
    monkeypatch.setenv("KIBANA_URL", "http://kibana.example:5601")
    given = local_desk._environment(Connection(es_url="http://127.0.0.1:1", faces_api_key="its-own"))
    assert given["ES_URL"] == "http://127.0.0.1:1"
    assert given["FACES_API_KEY"] == "its-own"
    assert given["KIBANA_URL"] == "http://kibana.example:5601"
    assert "of-another-cluster" not in given.values()


@pytest.mark.parametrize(
    ("terminal", "screen", "ci", "opened"),
    [(True, True, "", [URL]), (True, True, "true", []), (False, True, "", []), (True, False, "", [])],
)
def test_the_demo_opens_a_browser_only_for_a_person_at_a_screen(monkeypatch, terminal, screen, ci, opened):
    seen: list[str] = []
    monkeypatch.setattr(webbrowser, "open", seen.append)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: terminal, raising=False)
    monkeypatch.setenv("CI", ci)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":0" if screen else "")
    open_in_browser(URL)
    assert seen == opened
