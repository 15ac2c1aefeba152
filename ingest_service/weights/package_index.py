"""One file of a release, found where pip would find it. Nothing of it is unpacked or executed.

``pip download`` of a source release runs its ``setup.py``, for metadata that nobody needs here.
"""

from __future__ import annotations

import hashlib
import json
import ssl
import time
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urldefrag, urljoin, urlsplit
from urllib.request import url2pathname

import requests
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from ingest_service.weights.cache import WeightsError
from ingest_service.weights.pip_settings import PipSettings

FORMS = "application/vnd.pypi.simple.v1+json, text/html;q=0.5"
"""PEP 691, and PEP 503, which every mirror has."""
MAX_PAGE_BYTES = 64 << 20
MAX_FILE_BYTES = 512 << 20
MAX_SECONDS = 900
"""For one file."""
RETRIES = Retry(total=3, backoff_factor=0.5, status_forcelist=(500, 502, 503, 504), raise_on_status=False)


def fetch(name: str, file: str, sha256: str, target: Path, settings: PipSettings) -> None:
    """Writes the file to ``target``: of all that are offered, the first one with this digest.

    Args:
        name: of the package, in its normalized form (PEP 503).

    Raises:
        WeightsError: no index has it; the message says why of each.
    """
    problems = []
    places = [(index.rstrip("/") + f"/{name}/", index) for index in settings.indexes]
    places += [(page, page) for page in settings.find_links]
    with _session(_SystemAuthorities) as session, _session(HTTPAdapter) as unchecked:
        client = _Client(session, unchecked, settings)
        for place, shown in places:
            try:
                offered = list(client.offered(place, file))
                for url in offered:
                    if client.download(url, target) == sha256:
                        return
                found = "has another digest" if offered else "isn't there"
            except (requests.RequestException, OSError, ValueError) as problem:
                # Its text may have the user's password, as part of an address.
                status = getattr(getattr(problem, "response", None), "status_code", "")
                found = f"{type(problem).__name__} {status}".strip()
            problems.append(f"{urlsplit(shown).hostname or shown}: {found}")
    raise WeightsError(
        f"[{file}] can't be downloaded ({'; '.join(problems) or 'pip has no-index'}): check the connection, "
        "and the index that pip is set to (`pip config list`)"
    )


class _SystemAuthorities(HTTPAdapter):
    """Trusts the system's certificate authorities, as pip does, and those that come with Requests."""

    def init_poolmanager(self, *args: Any, **keywords: Any) -> None:
        super().init_poolmanager(*args, ssl_context=ssl.create_default_context(), **keywords)

    def proxy_manager_for(self, *args: Any, **keywords: Any) -> Any:
        return super().proxy_manager_for(*args, ssl_context=ssl.create_default_context(), **keywords)


def _session(https: type[HTTPAdapter]) -> requests.Session:
    session = requests.Session()
    session.mount("https://", https(max_retries=RETRIES))
    session.mount("http://", HTTPAdapter(max_retries=RETRIES))
    return session


class _Client:
    """Pages and files of indexes, with pip's settings; Requests adds passwords of ``.netrc``, and proxies.

    Args:
        unchecked: for hosts whose certificates aren't checked.
    """

    def __init__(self, session: requests.Session, unchecked: requests.Session, settings: PipSettings) -> None:
        self._session = session
        self._unchecked = unchecked
        self._settings = settings

    def offered(self, place: str, file: str) -> Iterator[str]:
        """The addresses of ``file`` on a page, or in a folder."""
        folder = _folder(place)
        if folder is not None:
            if (folder / file).is_file():
                yield (folder / file).absolute().as_uri()
            return
        with self._get(place, FORMS) as answer:
            text = b"".join(_bounded(answer, MAX_PAGE_BYTES)).decode()
            links = _links(text, answer.headers.get("Content-Type", ""))
            for link in links:
                url = urldefrag(urljoin(answer.url, link)).url
                if unquote(urlsplit(url).path).rpartition("/")[2] == file:
                    yield url

    def download(self, url: str, target: Path) -> str:
        """Writes the file, and returns its SHA-256."""
        digest = hashlib.sha256()
        with target.open("wb") as sink:
            for chunk in self._bytes(url):
                digest.update(chunk)
                sink.write(chunk)
        return digest.hexdigest()

    def _bytes(self, url: str) -> Iterator[bytes]:
        if urlsplit(url).scheme == "file":
            yield Path(url2pathname(urlsplit(url).path)).read_bytes()
            return
        with self._get(url, "*/*") as answer:
            yield from _bounded(answer, MAX_FILE_BYTES)

    def _get(self, url: str, accept: str) -> requests.Response:
        wanted, parts = self._settings, urlsplit(url)
        trusted = {parts.hostname, parts.netloc.rpartition("@")[2]} & set(wanted.trusted_hosts)
        answer = (self._unchecked if trusted else self._session).get(
            url,
            headers={"Accept": accept},
            stream=True,
            timeout=wanted.timeout,
            verify=False if trusted else wanted.cert,
            cert=wanted.client_cert,
            proxies={"http": wanted.proxy, "https": wanted.proxy} if wanted.proxy else None,
        )
        answer.raise_for_status()
        return answer


def _folder(place: str) -> Path | None:
    """Of a place that is no web address."""
    parts = urlsplit(place)
    if parts.scheme in ("http", "https"):
        return None
    return Path(url2pathname(parts.path) if parts.scheme == "file" else place).expanduser()


def _bounded(answer: requests.Response, most: int) -> Iterator[bytes]:
    """
    Raises:
        ValueError: more bytes came, or they took too long.
    """
    received, deadline = 0, time.monotonic() + MAX_SECONDS
    for chunk in answer.iter_content(1 << 16):
        received += len(chunk)
        if received > most or time.monotonic() > deadline:
            raise ValueError("too much or too slow")
        yield chunk


def _links(page: str, content_type: str) -> list[str]:
    if "json" in content_type:
        return [str(file["url"]) for file in json.loads(page)["files"]]
    parser = _Anchors()
    parser.feed(page)
    return parser.links


class _Anchors(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.links: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "a":
            self.links += [value for name, value in attrs if name == "href" and value]
