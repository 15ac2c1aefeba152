"""`faces desk` where Elasticsearch has no users: it is for this machine alone."""

from __future__ import annotations

import pytest
import requests
import yaml
from compose_loader import COMPOSE

from es_setup.connection import ConnectionFailed
from faces.local_desk import free_or_other, running_desk

BEYOND = "--host=0.0.0.0"


def test_beyond_loopback_it_starts_neither_without_users_nor_with_their_absence_alone(running, tmp_path, run):
    status, _, err = run("desk", BEYOND)
    assert status == 1
    assert "[0.0.0.0]" in err
    assert run("desk", BEYOND, "--without-users")[0] == 2
    with pytest.raises(ConnectionFailed), running_desk(running.connection, tmp_path, options=[BEYOND]):
        pytest.fail("started")


def test_as_compose_starts_it_browsers_reach_it_by_loopback_alone(running, tmp_path):
    words = yaml.safe_load(COMPOSE.read_text())["services"]["desk"]["command"]
    assert BEYOND in words
    with running_desk(running.connection, tmp_path, options=words[4:]) as desk:
        assert "<form" in requests.get(desk.url, timeout=30).text
        stranger = requests.get(desk.url, headers={"Host": "desk.example"}, timeout=30)
        assert stranger.status_code == 421
        assert "<form" not in stranger.text


def test_a_desk_links_to_the_boards_of_kibana(running, tmp_path, monkeypatch):
    monkeypatch.setenv("KIBANA_URL", "http://kibana.example:5601")
    with running_desk(running.connection, tmp_path) as desk:
        assert "http://kibana.example:5601/app/dashboards" in requests.get(desk.url, timeout=30).text
        assert free_or_other(int(desk.url.rpartition(":")[2])) != int(desk.url.rpartition(":")[2])
