"""Bodies that are small on the wire and large in memory, or slow to read: refused before either shows."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import requests
from hostile_clients import Watch
from service_process import PATIENCE
from tools import JSON

from faces.local_service import RunningService, running_service
from ingest_service.weights.cache import Cache

SIZE = 20_000_000
MOST_MORE = 10 * SIZE
"""Bytes of memory: a text has several copies while it is read. The bombs took up to 400 times their size."""
FORM = {"Content-Type": "multipart/form-data; boundary=x"}


def repeated(begin: bytes, part: bytes, end: bytes) -> bytes:
    return begin + part * ((SIZE - len(begin) - len(end)) // len(part)) + end


def many_keys() -> bytes:
    return b"{" + b",".join(b'"k%d":0' % number for number in range(1_500_000)) + b"}"


def form_part(name: str, content: bytes, file: bool = False) -> bytes:
    filename = '; filename="a"' if file else ""
    return b'--x\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n%s\r\n' % (
        name.encode(),
        filename.encode(),
        content,
    )


IN_JSON: dict[str, Callable[[], bytes]] = {
    "photos that are numbers": lambda: repeated(b'{"images": [', b"0,", b"0]}"),
    "photos that are empty": lambda: repeated(b'{"images": [', b"{},", b"{}]}"),
    "photos without data": lambda: repeated(b'{"images": [', b'{"image":""},', b"{}]}"),
    "lists in lists": lambda: repeated(b'{"images": ', b"[],", b"0}"),
    "names to return": lambda: repeated(b'{"return": [', b'"vector",', b'"vector"], "images": [{}]}'),
    "options": lambda: repeated(b'{"images": [{"options": {', b'"max_faces":1,', b'"a":1}}]}'),
    "a list for options": lambda: repeated(b'{"images": [{"options": [', b"0,", b"0]}]}"),
    "keys": many_keys,
    "equal keys": lambda: repeated(b"{", b'"images":0,', b'"images":0}'),
    "spaces": lambda: repeated(b"{", b" ", b'"images": []}'),
    "spaces behind": lambda: repeated(b'{"images": []}', b"\n", b""),
    "depth": lambda: repeated(b"", b"[", b""),
    "depth of objects": lambda: repeated(b"", b'{"a":', b""),
    "a number": lambda: repeated(b'{"images": [{"options": {"max_faces": ', b"9", b"}}]}"),
    "a fraction": lambda: repeated(b'{"images": [{"options": {"min_quality": 0.', b"9", b"}}]}"),
    "a model's name": lambda: repeated(b'{"model": "', b"a", b'", "images": [{}]}'),
    "a priority": lambda: repeated(b'{"images": [{}], "priority": "', b"a", b'"}'),
    "a key's name": lambda: repeated(b'{"images": [{}], "', b"a", b'": 1}'),
    "quotes in a text": lambda: repeated(b'{"model": "', b'\\"', b'"}'),
    "backslashes": lambda: repeated(b'{"model": "', b"\\\\", b'"}'),
    "texts of middle length": lambda: repeated(b'{"images": [', b'"' + b"a" * 1_100 + b'",', b"0]}"),
}
IN_FORMS: dict[str, Callable[[], bytes]] = {
    "fields": lambda: repeated(b"", form_part("a", b"b"), b"--x--\r\n"),
    "files": lambda: repeated(b"", form_part("image", b"b", file=True), b"--x--\r\n"),
    "a field": lambda: form_part("model", b"a" * SIZE) + b"--x--\r\n",
    "a field of line ends": lambda: form_part("model", b"\r\n" * (SIZE // 2)) + b"--x--\r\n",
    "a header": lambda: repeated(b"--x\r\nA: ", b"b", b"\r\n\r\n\r\n--x--\r\n"),
    "headers": lambda: repeated(b"--x\r\n", b"A: b\r\n", b"\r\n\r\n--x--\r\n"),
    "no boundary": lambda: repeated(b"", b"a", b""),
    "dashes": lambda: repeated(b"", b"\r\n--", b""),
}
TEXTS: dict[str, Callable[[], bytes]] = {
    "a letter of four bytes": lambda: repeated(
        b'{"images": [{"image": "', b"a", "\U0001f600".encode() + b'"}]}'
    ),
    "an escaped letter": lambda: repeated(b'{"images": [{"image": "\\ud83d\\ude00', b"a", b'"}]}'),
    "escaped quotes": lambda: repeated(b'{"images": [{"image": "' + b'\\"' * 9_000, b"a", b'"}]}'),
    "escapes": lambda: repeated(b'{"images": [{"image": "', b"\\u0041", b'"}]}'),
}
"""Photos that aren't: each fails alone."""


@pytest.fixture(scope="module")
def service(cache: Cache, tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningService]:
    with running_service(cache, tmp_path_factory.mktemp("front")) as running:
        yield running


class Memory:
    """Of the service's processes: how much more than now it was, at most."""

    def __init__(self, service: RunningService) -> None:
        parent = psutil.Process(service.pid)
        self._processes = [parent, *parent.children(recursive=True)]
        for process in self._processes:
            Path(f"/proc/{process.pid}/clear_refs").write_text("5")  # the peak begins anew
        self._before = self._peak()

    def _peak(self) -> int:
        texts = [Path(f"/proc/{process.pid}/status").read_text() for process in self._processes]
        lines = [line for text in texts for line in text.splitlines() if line.startswith("VmHWM:")]
        return sum(int(line.split()[1]) for line in lines) * 1024

    def more(self) -> int:
        return self._peak() - self._before


def bomb(service: RunningService, portrait: Path, body: bytes, headers: dict[str, str]) -> requests.Response:
    with Watch(service.url, portrait) as watch:
        watch.wait(1)
        memory = Memory(service)
        answer = requests.post(f"{service.url}/v1/faces", data=body, headers=headers, timeout=PATIENCE)
        watch.wait(1)
    assert memory.more() < MOST_MORE, memory.more()
    return answer


@pytest.mark.parametrize("make", IN_JSON.values(), ids=IN_JSON)
def test_json_that_explodes_is_refused_and_nobody_notices(service, portrait, make):
    answer = bomb(service, portrait, make(), JSON)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "bad_request")
    assert len(answer.text) < 1_000


@pytest.mark.parametrize("make", IN_FORMS.values(), ids=IN_FORMS)
def test_a_form_that_explodes_is_refused_and_nobody_notices(service, portrait, make):
    answer = bomb(service, portrait, make(), FORM)
    assert (answer.status_code, answer.json()["error"]["code"]) in {
        (400, "bad_request"),
        (413, "body_too_large"),
    }


@pytest.mark.parametrize("make", TEXTS.values(), ids=TEXTS)
def test_a_text_that_would_grow_in_memory_is_a_photo_that_fails(service, portrait, make):
    answer = bomb(service, portrait, make(), JSON)
    assert answer.status_code == 200
    assert answer.json()["results"][0]["error"]["code"] in {"not_base64", "too_large", "not_an_image"}


def test_the_first_wrong_photo_is_named(service):
    body = {"images": [{"image": ""}, 0, {"imgae": ""}]}
    answer = requests.post(f"{service.url}/v1/faces", json=body, timeout=PATIENCE)
    assert answer.json()["error"]["message"].startswith("[images][1]")
