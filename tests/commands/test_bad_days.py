"""`faces index` on a bad day: files that change, full disks, blocked indices, servers of another kind."""

from __future__ import annotations

import errno
import json
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from indexed import documents, paths
from secured import Authority
from tools import landscape, line_with, numbers, picture, wait_until

from faces.indexing import indexing

PRODUCT = {"X-elastic-product": "Elasticsearch"}


def landscapes(folder: Path, count: int) -> Path:
    """So many photos without a face, each of another width."""
    folder.mkdir(exist_ok=True)
    for number in range(count):
        (folder / f"{number:03}.jpg").write_bytes(picture(landscape(48 + number, 48)))
    return folder


def report(run: Callable[..., tuple[int, str, str]], *arguments: object) -> tuple[int, dict, str]:
    status, out, err = run("index", *arguments, "--json")
    return status, json.loads(out), err


def test_an_unreadable_folder_is_named_and_the_others_are_indexed(run, es, faces, tmp_path, monkeypatch):
    folder = landscapes(tmp_path / "photos", 1)
    landscapes(folder / "locked", 1)
    scan = os.scandir

    def refuse(path: str) -> object:
        if Path(path).name == "locked":
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return scan(path)

    monkeypatch.setattr(os, "scandir", refuse)
    failures = tmp_path / "failures.ndjson"
    status, found, err = report(run, folder, "--failures", failures)
    assert (status, found["new"]) == (1, 1)
    assert "locked" in err
    (row,) = [json.loads(line) for line in failures.read_text().splitlines()]
    assert row["code"] == "unreadable_file"
    assert row["path"].endswith("locked")


def test_empty_files_loops_of_links_and_names_in_any_script(run, es, faces, tmp_path):
    names = ["写真", "фото", "صورة", "çölmek", "🙂 🎉", "-rf", "a'b\"c", "new\nline", "%41"]
    folder = tmp_path / "photos"
    for number, name in enumerate(names):
        (folder / name).mkdir(parents=True)
        (folder / name / f"{name}.jpg").write_bytes(picture(landscape(64 + number)))
    (folder / os.fsdecode(b"latin-\xe9.jpg")).write_bytes(picture(landscape(200)))
    (folder / "empty.jpg").write_bytes(b"")
    (folder / "写真" / "up").symlink_to(folder)
    (folder / "loop").symlink_to(folder / "loop")
    status, found, _ = report(run, folder, "--labels", "folder", "--url-prefix", "https://example.org/")
    assert (status, found["new"], found["skipped_files"]) == (
        0,
        10,
        {"empty": ["empty.jpg"], "broken link": ["loop"]},
    )
    assert [f"{name}/{name}.jpg"] in paths(es)
    assert report(run, folder, "--labels", "folder")[1]["unchanged"] == 10


def test_a_file_that_changes_while_it_is_read_fails_and_the_next_run_takes_it(
    run, es, faces, tmp_path, monkeypatch
):
    folder = landscapes(tmp_path / "photos", 2)
    read = indexing.read_content

    def read_and_change(photo):
        content = read(photo)
        if photo.name == "000.jpg":
            photo.path.write_bytes(picture(landscape(300)))
        return content

    with monkeypatch.context() as patched:
        patched.setattr(indexing, "read_content", read_and_change)
        failures = tmp_path / "failures.ndjson"
        status, found, err = report(run, folder, "--failures", failures)
    assert (status, found["new"], found["failed"]) == (1, 1, 1)
    assert line_with("000.jpg", err)
    assert json.loads(failures.read_text())["code"] == "changed_file"
    assert report(run, folder)[1]["new"] == 1
    assert len(documents(es)) == 2


def test_a_full_disk_leaves_no_part_of_the_file_of_failures(run, es, faces, tmp_path, monkeypatch):
    folder = landscapes(tmp_path / "photos", 1)
    (folder / "broken.jpg").write_bytes(b"no photo")
    make = tempfile.mkstemp

    def make_on_a_full_disk(*arguments: object, **options: object) -> tuple[int, str]:
        descriptor, name = make(*arguments, **options)
        os.close(descriptor)
        return os.open("/dev/full", os.O_WRONLY), name

    monkeypatch.setattr(tempfile, "mkstemp", make_on_a_full_disk)
    failures = tmp_path / "out" / "failures.csv"
    failures.parent.mkdir()
    status, _, err = run("index", folder, "--failures", failures)
    assert status == 1
    assert os.strerror(errno.ENOSPC) in err
    assert list(failures.parent.iterdir()) == []
    assert len(documents(es)) == 2


@pytest.mark.parametrize("block", ["read_only_allow_delete", "write"])
def test_an_index_that_takes_no_more_documents_ends_the_run_at_once(
    run, es, faces, tmp_path, monkeypatch, block
):
    """As when a disk has filled up: Elasticsearch then blocks its indices."""
    folder = landscapes(tmp_path / "photos", 10)
    create = indexing.create

    def create_and_block(*arguments):
        sent = create(*arguments)
        es.indices.put_settings(index=faces, settings={f"index.blocks.{block}": True})
        return sent

    failures = tmp_path / "failures.ndjson"
    try:
        with monkeypatch.context() as patched:
            patched.setattr(indexing, "create", create_and_block)
            patched.setattr(indexing, "BULK_PHOTOS", 4)
            status, found, err = report(run, folder, "--failures", failures)
        assert status == 1
        assert (found["new"], found["failed"]) == (4, 4)
        (said,) = [line for line in err.splitlines() if line.startswith("error: ")]
        assert ("disk" in said) == (block == "read_only_allow_delete")
        assert {json.loads(line)["code"] for line in failures.read_text().splitlines()} == {"read_only"}
        status, _, err = run("index", folder)
        assert status == 1
        assert "error: " in err
    finally:
        es.indices.put_settings(index=faces, settings={f"index.blocks.{block}": None})
    status, found, _ = report(run, folder)
    assert (status, found["unchanged"], found["new"]) == (0, 4, 6)


def test_killed_in_the_middle_and_run_again_nothing_is_stored_twice(running, run, es, faces, tmp_path):
    folder = landscapes(tmp_path / "photos", 66)
    command = [sys.executable, "-m", "faces", "index", str(folder)]
    environment = os.environ | {"ES_URL": running.connection.es_url}
    killed = subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_until(lambda: es.count(index=faces)["count"] > 0)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    status, found, _ = report(run, folder)
    assert status == 0
    assert found["new"] + found["unchanged"] == 66
    assert found["unchanged"] > 0
    assert es.count(index=faces)["count"] == 66


def test_ctrl_c_says_what_is_stored_and_finishes_the_file_of_failures(run, es, faces, tmp_path, monkeypatch):
    folder = landscapes(tmp_path / "photos", 6)
    (folder / "000.jpg").write_bytes(b"no photo")
    create = indexing.create
    calls = []

    def create_once(*arguments):
        calls.append(1)
        if len(calls) > 1:
            os.kill(os.getpid(), signal.SIGINT)
        return create(*arguments)

    monkeypatch.setattr(indexing, "create", create_once)
    monkeypatch.setattr(indexing, "BULK_PHOTOS", 4)
    failures = tmp_path / "failures.csv"
    status, out, err = run("index", folder, "--failures", failures)
    assert status == 130
    assert numbers(out.splitlines()[-1])[0] == 4
    assert 4 in numbers(line_with("again", err))
    assert "not_an_image" in failures.read_text()


def test_elasticsearch_that_goes_away_in_the_middle_is_told_with_what_is_stored(
    run, es, faces, tmp_path, monkeypatch
):
    from elasticsearch import ConnectionError

    folder = landscapes(tmp_path / "photos", 6)
    create, calls = indexing.create, []

    def create_once(*arguments):
        calls.append(1)
        if len(calls) > 1:
            raise ConnectionError("Connection refused")
        return create(*arguments)

    with monkeypatch.context() as patched:
        patched.setattr(indexing, "create", create_once)
        patched.setattr(indexing, "BULK_PHOTOS", 4)
        status, found, err = report(run, folder)
    assert (status, found["new"]) == (1, 4)
    assert "ES_URL" in err
    assert report(run, folder)[1]["new"] == 2


class OtherServer(BaseHTTPRequestHandler):
    """Answers each request as the server's ``answer`` says: (status, headers, body by path)."""

    def do_GET(self) -> None:
        status, headers, body = self.server.answer(self.path)
        data = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    do_HEAD = do_POST = do_PUT = do_GET

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def serving() -> Iterator[Callable[..., str]]:
    """Serves answers; returns the address."""
    servers = []

    def serve(answer: Callable[[str], tuple[int, dict, object]], certificate: tuple | None = None) -> str:
        server = ThreadingHTTPServer(("127.0.0.1", 0), OtherServer)
        server.answer = answer
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*certificate)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        servers.append(server)
        return f"{'https' if certificate else 'http'}://127.0.0.1:{server.server_port}"

    yield serve
    for server in servers:
        server.shutdown()
        server.server_close()


def seven(path: str) -> tuple[int, dict, object]:
    """As 7.17 answers: it takes our client's requests, and has neither our pipelines nor our plugin."""
    bodies = {
        "/": {"version": {"number": "7.17.28"}, "tagline": "You Know, for Search"},
        "/faces/_settings": {},
    }
    if path.startswith("/_index_template/_simulate_index"):
        return 200, PRODUCT, {"template": {"settings": {}}, "overlapping": []}
    return (200, PRODUCT, bodies[path]) if path in bodies else (404, PRODUCT, {"error": {"type": "x"}})


def older(path: str) -> tuple[int, dict, object]:
    """As 7.9 answers: it doesn't know the media type of our client."""
    kind = "application/vnd.elasticsearch+json; compatible-with=8"
    return 406, {}, {"error": f"Content-Type header [{kind}] is not supported", "status": 406}


@pytest.mark.parametrize("answer", [seven, older])
def test_elasticsearch_7_is_told_apart(run, serving, tmp_path, answer):
    status, _, err = run("index", landscapes(tmp_path / "photos", 1), ES_URL=serving(answer))
    assert status == 1
    assert "8.19" in err
    assert "Traceback" not in err


def test_a_wrong_key_is_refused_and_nothing_is_read_out_of_it(run, serving, tmp_path):
    error = {"type": "security_exception", "reason": "unable to authenticate", "root_cause": []}
    url = serving(lambda _: (401, PRODUCT, {"error": error, "status": 401}))
    status, _, err = run("index", landscapes(tmp_path / "photos", 1), ES_URL=url, ES_API_KEY="s3cret")
    assert status == 1
    assert "ES_API_KEY" in err
    assert "s3cret" not in err


def test_a_certificate_of_another_host_is_told(run, serving, tmp_path):
    authority = Authority(tmp_path, "ours")
    url = serving(seven, authority.issue("elsewhere", hosts="DNS:elsewhere.example"))
    photos = landscapes(tmp_path / "photos", 1)
    status, _, err = run("index", photos, ES_URL=url, ES_CA_CERTS=str(authority.certificate))
    assert status == 1
    assert url in err
    assert "another name" in err


def test_a_cluster_without_the_plugin_is_told_what_it_lacks(run, serving, tmp_path):
    def eight(path: str) -> tuple[int, dict, object]:
        if path == "/":
            return 200, PRODUCT, {"version": {"number": "8.19.21"}}
        if path.startswith("/_nodes"):
            return 200, PRODUCT, {"nodes": {"a": {"ingest": {"processors": [{"type": "set"}]}}}}
        return seven(path)

    status, _, err = run("index", landscapes(tmp_path / "photos", 1), ES_URL=serving(eight))
    assert status == 1
    assert "plugin" in err


def test_two_lists_at_once_store_each_photo_once(running, es, faces, tmp_path):
    folder = landscapes(tmp_path / "photos", 16)
    (folder / "photos.csv").write_text(
        "path\n" + "\n".join(path.name for path in sorted(folder.glob("*.jpg")))
    )
    shutil.copy(folder / "photos.csv", folder / "again.csv")
    environment = os.environ | {"ES_URL": running.connection.es_url}
    runs = [
        subprocess.Popen(
            [sys.executable, "-m", "faces", "index", str(folder / name), "--json"],
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        for name in ("photos.csv", "again.csv")
    ]
    reports = [json.loads(one.communicate()[0]) for one in runs]
    assert [one.returncode for one in runs] == [0, 0]
    assert sum(found["new"] for found in reports) == es.count(index=faces)["count"] == 16
