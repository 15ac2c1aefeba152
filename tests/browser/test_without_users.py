"""The embedded stack, which has no users: loopback alone, with the plugin and without."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
import requests
from desk_pages import ask, names, photo_matches, press
from desk_server import running_desk
from desk_stock import ANN, BEN, stocked
from elasticsearch import Elasticsearch
from playwright.sync_api import expect
from service_process import ROOT
from tools import empty, encoded

from faces.local_stack import LocalStack


@pytest.fixture(scope="module")
def embedded(running: LocalStack) -> dict[str, str]:
    return {"ES_URL": running.connection.es_url, "FACES_URL": running.connection.faces_url}


@pytest.fixture(scope="module")
def open_desk(embedded, tmp_path_factory):
    with running_desk(
        tmp_path_factory.mktemp("open"), embedded, "--kibana-url", "http://boards.example"
    ) as desk:
        yield desk


@pytest.fixture(scope="module")
def open_stock(running: LocalStack, people):
    return stocked(running.connection.elasticsearch(), people)


def test_nobody_signs_in_and_the_page_says_who_may_use_it(open_desk, open_stock, browse):
    page = browse(open_desk.url)
    page.goto("/sign-in")
    expect(page.get_by_role("heading", level=1)).to_have_text("Who is this?")
    expect(page.get_by_text("this machine only")).to_have_count(1)
    expect(page.get_by_role("button", name="Sign out")).to_have_count(0)
    (cookie,) = page.context.cookies()
    assert (cookie["httpOnly"], cookie["sameSite"], cookie["secure"]) == (True, "Strict", False)
    page.goto("/people")
    assert names(page.locator("ul.cards")) == ["Ann", "Ben"]


def test_pages_lead_to_the_boards(open_desk, open_stock, browse):
    page = browse(open_desk.url)
    page.goto("/person?name=Ann")
    address = page.get_by_role("link", name="On the board").get_attribute("href")
    assert address.startswith("http://boards.example/app/dashboards#/view/")
    assert "Ann" in address
    expect(page.get_by_role("link", name="Boards")).to_have_count(1)


@pytest.mark.parametrize(
    "host", ["elsewhere.example", "elsewhere.example:80", "192.0.2.7", "127.0.0.1.example"]
)
def test_another_name_that_leads_here_is_refused(open_desk, host):
    answer = requests.get(f"{open_desk.url}/people", headers={"Host": host}, timeout=60)
    assert answer.status_code == 421
    assert "Ann" not in answer.text
    assert "Set-Cookie" not in answer.headers


def test_a_name_of_loopback_is_served(open_desk):
    port = open_desk.url.rpartition(":")[2]
    answer = requests.get(f"{open_desk.url}/", headers={"Host": f"localhost:{port}"}, timeout=60)
    assert answer.status_code == 200


def test_every_form_needs_the_token_and_the_origin_here_too(open_desk, open_stock, running):
    es, client = running.connection.elasticsearch(), requests.Session()
    client.get(f"{open_desk.url}/people", timeout=60)
    form = {"old": "Ann", "new": "Mallory", "once": "once"}
    assert client.post(f"{open_desk.url}/person/rename", data=form, timeout=60).status_code == 403
    es.indices.refresh(index="faces")
    assert es.count(index="faces", query={"term": {"people": "Mallory"}})["count"] == 0


def started(*options: str, **environment: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "faces", "desk", *options],
        cwd=ROOT,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("host", ["0.0.0.0", "::"])
def test_it_listens_on_loopback_alone(embedded, host):
    ended = started("--host", host, "--insecure", **embedded)
    assert ended.returncode == 1
    assert f"[{host}]" in ended.stderr


def test_without_the_plugin_a_photo_is_looked_at_kept_and_named(
    plain: Elasticsearch, embedded, browse, people, tmp_path
):
    for alias in ("faces", "face-gallery", "face-probes", "face-decisions"):
        empty(plain, alias)
    (address,) = (str(node.base_url) for node in plain.transport.node_pool.all())
    environment = embedded | {"ES_URL": address}
    enrol(people, environment)
    with running_desk(tmp_path, environment) as desk:
        page = browse(desk.url)
        ask(page, people[ANN][7])
        expect(page.get_by_role("heading", level=1)).to_have_text("Ann")
        press(page, "Keep as probe")
        expect(page.locator(".faces li")).to_have_count(1)
        page.get_by_label("Name of the selected").fill("Anna")
        press(page, "Name")
        expect(page.locator("#face-0 strong")).to_have_text("Anna")
        ask(page, people[ANN][8])
        assert photo_matches(page) == ["Anna"]
    hits = plain.search(index="face-probes")["hits"]["hits"]
    assert [hit["_source"]["faces"][0]["label"]["name"] for hit in hits] == ["Anna"]
    assert encoded(people[ANN][7])[:50] not in str(hits)


def enrol(people, environment: dict[str, str]) -> None:
    """Portraits of Ann and Ben, by the command line."""
    for name, own in (("Ann", ANN), ("Ben", BEN)):
        ended = subprocess.run(
            [sys.executable, "-m", "faces", "enroll", str(people[own][3]), "--name", name],
            cwd=ROOT,
            env=os.environ | environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ended.returncode == 0, ended.stderr
