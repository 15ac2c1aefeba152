"""The machine's own Chromium, driven by Playwright."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

from board_preview.chromium import browser_path


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """
    Raises:
        RendererError: there is no Chromium.
    """
    path = browser_path()
    with sync_playwright() as playwright:
        # Root may not use Chromium's own sandbox; the pages are ours.
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=sandbox)
        try:
            yield browser
        finally:
            browser.close()
