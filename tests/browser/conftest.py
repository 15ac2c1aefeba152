"""The desk as people use it: in Chromium, on a node with security on and a service with TLS and a key."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from command_fixtures import run  # noqa: F401
from desk_pages import sign_in
from desk_server import Desk, running_desk
from desk_stock import BEN, Stock, fingerprint, stocked
from elasticsearch import Elasticsearch
from PIL import Image
from playwright.sync_api import Browser, Page, expect, sync_playwright
from secured import ROOT
from secured_stack import KEY, Secured, running_secured
from tools import picture

from board_preview.chromium import browser_path
from faces import local_stack
from ingest_service.weights.cache import Cache

PATIENCE_MS = 30_000
expect.set_options(timeout=PATIENCE_MS)


@pytest.fixture(scope="session")
def folder() -> Iterator[Path]:
    with local_stack.working_folder() as path:
        yield path


@pytest.fixture(scope="session")
def secured(
    cache: Cache, home: Path, folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Secured]:
    with running_secured(cache, home, folder, tmp_path_factory.mktemp("certificates")) as found:
        yield found


@pytest.fixture(scope="session")
def root(secured: Secured) -> Elasticsearch:
    return secured.as_(ROOT)


@pytest.fixture(scope="session")
def all_stock(root: Elasticsearch, people) -> Stock:
    return stocked(root, people)


@pytest.fixture
def stock(root: Elasticsearch, all_stock: Stock) -> Iterator[Stock]:
    """What is stored; as it was after each test that changes it."""
    before = fingerprint(root)
    yield all_stock
    if fingerprint(root) != before:
        all_stock.put(root)


@pytest.fixture(scope="session")
def connected(secured: Secured) -> dict[str, str]:
    """What the desk and commands are told of the servers."""
    return {
        "ES_URL": secured.node.url,
        "ES_CA_CERTS": str(secured.authority.certificate),
        "FACES_URL": secured.service.url,
        "FACES_CA_CERTS": str(secured.authority.certificate),
        "FACES_API_KEY": KEY,
    }


@pytest.fixture(scope="session")
def desk(secured: Secured, connected: dict[str, str], tmp_path_factory) -> Iterator[Desk]:
    """With TLS, for people with users of their own."""
    certificate, key = secured.authority.issue("desk")
    with running_desk(
        tmp_path_factory.mktemp("desk"), connected, "--tls-cert", certificate, "--tls-key", key
    ) as found:
        yield found


@pytest.fixture(scope="session")
def camera(people: dict[str, list[Path]], tmp_path_factory) -> Path:
    """What Chromium's camera sees: Ben."""
    seen = Image.new("RGB", (640, 480), "white")
    portrait = Image.open(people[BEN][5]).convert("RGB")
    portrait.thumbnail((640, 480))
    seen.paste(portrait, ((640 - portrait.width) // 2, (480 - portrait.height) // 2))
    file = tmp_path_factory.mktemp("camera") / "ben.mjpeg"
    file.write_bytes(picture(seen, quality=95, subsampling="4:2:0"))
    return file


@pytest.fixture(scope="session")
def chromium(camera: Path) -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=browser_path(),
            args=[
                "--no-sandbox",
                "--use-fake-device-for-media-stream",
                "--use-fake-ui-for-media-stream",
                f"--use-file-for-fake-video-capture={camera}",
            ],
        )
        yield browser
        browser.close()


@pytest.fixture
def browse(chromium: Browser) -> Iterator[Callable[..., Page]]:
    """Opens a browser of one person's own at an address; no page may have an error of its script, or load
    what the policy forbids."""
    contexts, troubles = [], []

    def begin(url: str, **options: object) -> Page:
        context = chromium.new_context(base_url=url, ignore_https_errors=True, **options)
        context.set_default_timeout(PATIENCE_MS)
        contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.on("console", lambda message: troubles.append(message.text) if is_trouble(message) else None)
        return page

    yield begin
    for context in contexts:
        context.close()
    assert troubles == []


def is_trouble(message) -> bool:
    """A page that couldn't be loaded is what some scenes are about."""
    return message.type == "error" and "Failed to load resource" not in message.text


@pytest.fixture
def visit(desk: Desk, stock: Stock, browse) -> Callable[..., Page]:
    """A page of somebody who has signed in; by default of one who may write."""

    def begin(user: str | None = "faces_admin", **options: object) -> Page:
        page = browse(desk.url, **options)
        if user:
            sign_in(page, user)
        return page

    return begin
