"""What the service refuses to start with: open to others unasked, or with keys that protect nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from secured import Authority
from service_process import PATIENCE, ROOT
from tools import bracketed

from es_setup.connection import Service
from faces import local_process, local_service
from ingest_service.errors import SettingsError
from ingest_service.settings import Settings

KEY = {"FACES_API_KEY": "a-key-of-more-than-16-letters"}
BEYOND = ["0.0.0.0", "::", "0", "192.0.2.1", "fe80::1", "::ffff:0.0.0.0", "::ffff:192.0.2.1"]
LOOPBACK = ["127.0.0.1", "127.1.2.3", "localhost", "::1", "127.1"]


@pytest.fixture
def tls(tmp_path) -> dict[str, str]:
    for name in ("cert.pem", "key.pem"):
        (tmp_path / name).write_text("")
    return {
        "FACES_TLS_CERTIFICATE": str(tmp_path / "cert.pem"),
        "FACES_TLS_KEY": str(tmp_path / "key.pem"),
    }


def refused(environment: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        Settings.from_environment(environment)
    return str(caught.value)


@pytest.mark.parametrize("host", BEYOND)
def test_a_bind_beyond_loopback_needs_a_key_and_tls(tls, host):
    host = {"FACES_HOST": host}
    for lacking in ({}, KEY, tls):
        said = refused(host | lacking)
        assert "FACES_HOST" in said
        assert "FACES_INSECURE=" in said


def test_a_name_that_resolves_elsewhere_is_beyond_loopback(monkeypatch):
    found = [(2, 1, 6, "", ("192.0.2.1", 0))]
    monkeypatch.setattr("socket.getaddrinfo", lambda *_, **__: found)
    assert bracketed(refused({"FACES_HOST": "localhost"})) == {"localhost"}


def test_with_both_it_may_and_with_either_if_it_is_said(tls):
    host = {"FACES_HOST": "0.0.0.0"}
    assert Settings.from_environment(host | KEY | tls).host == "0.0.0.0"
    for lacking, said in ((KEY, "no-tls"), (tls, "no-key"), ({}, "no-key,no-tls"), ({}, " no-tls , no-key ")):
        assert Settings.from_environment(host | lacking | {"FACES_INSECURE": said}).host == "0.0.0.0"
    for lacking, said in (({}, "no-tls"), ({}, "no-key"), (KEY, "no-key"), (tls, "no-tls")):
        assert "FACES_INSECURE" in refused(host | lacking | {"FACES_INSECURE": said})
    for wrong in ("true", "1", "no-key no-tls", "yes"):
        assert wrong in bracketed(refused(host | {"FACES_INSECURE": wrong}))


@pytest.mark.parametrize("host", LOOPBACK)
def test_loopback_needs_neither(host):
    settings = Settings.from_environment({"FACES_HOST": host})
    assert settings.host.startswith("127.") or settings.host == "::1"


@pytest.mark.parametrize("host", ["unix:/tmp/faces", "no.such.host.invalid", "127.0.0.1:8501", "fd://3"])
def test_a_host_that_is_none_is_refused(host):
    assert host in bracketed(refused({"FACES_HOST": host}))


@pytest.mark.parametrize(
    "name",
    [
        "FACES_API_KEY",
        "FACES_API_KEYS_FILE",
        "FACES_HOST",
        "FACES_TLS_CERTIFICATE",
        "FACES_TLS_KEY",
        "FACES_INSECURE",
        "FACES_ALLOWED_HOSTS",
        "FACES_OPEN_PAGES",
    ],
)
@pytest.mark.parametrize("blank", ["", " ", "\t\n"])
def test_a_blank_setting_is_not_none(name, blank):
    assert name in refused({name: blank})


@pytest.mark.parametrize(
    "key",
    ["two words-of-a-key-", " a-key-of-16-letters", "schl\u00fcssel-16-letters", "\x00" * 20, "a\x7f" * 9],
)
def test_a_key_that_no_header_carries_is_refused_and_not_shown(tmp_path, key):
    said = refused({"FACES_API_KEY": key})
    assert "FACES_API_KEY" in said
    assert key not in said
    assert "FACES_API_KEY" in refused({"FACES_API_KEY": "a-good-key-of-16-letters\n"})
    file = tmp_path / "keys"
    file.write_text(f"a-good-key-of-16-letters\nx{key}x\n")
    said = refused({"FACES_API_KEYS_FILE": str(file)})
    assert str(file) in bracketed(said)
    assert key not in said


def test_comments_and_empty_lines_of_the_file_are_no_keys(tmp_path):
    file = tmp_path / "keys"
    file.write_text("  # indented\n\n\t\n  a-good-key-of-16-letters  \n#\n")
    assert Settings.from_environment({"FACES_API_KEYS_FILE": str(file)}).api_keys == (
        "a-good-key-of-16-letters",
    )
    file.write_bytes(b"\xef\xbb\xbfa-good-key-of-16-letters\n")
    assert str(file) in bracketed(refused({"FACES_API_KEYS_FILE": str(file)}))
    file.write_bytes(b"\xff\xfe\x00\n")
    assert str(file) in bracketed(refused({"FACES_API_KEYS_FILE": str(file)}))
    assert "FACES_API_KEYS_FILE" in refused({"FACES_API_KEYS_FILE": str(tmp_path)})


def test_a_tls_key_without_its_certificate_is_not_plain_http(tls):
    assert "FACES_TLS_CERTIFICATE" in refused({"FACES_TLS_KEY": tls["FACES_TLS_KEY"]})


def test_what_is_allowed_but_not_safe_is_a_warning():
    assert not Settings.from_environment(KEY).warnings()
    assert len(Settings.from_environment({"FACES_API_KEY": "short"}).warnings()) == 1
    open_to_all = {"FACES_HOST": "0.0.0.0", "FACES_INSECURE": "no-key,no-tls"}
    assert len(Settings.from_environment(open_to_all).warnings()) == 1


@pytest.mark.parametrize("environment", [{"FACES_HOST": "0.0.0.0"}, {"FACES_API_KEY": ""}])
def test_the_command_says_so_and_ends(cache, environment):
    run = subprocess.run(
        [sys.executable, "-m", "ingest_service"],
        cwd=ROOT,
        env=os.environ | {"FACES_CACHE": str(cache.root)} | environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert run.returncode == 1
    assert next(iter(environment)) in run.stderr.splitlines()[-1]
    assert "Traceback" not in run.stderr


def test_more_connections_than_the_system_has_files_for_are_refused(cache):
    run = subprocess.run(
        ["bash", "-c", 'ulimit -n 500 && exec "$0" -m ingest_service', sys.executable],
        cwd=Path(ROOT),
        env=os.environ | {"FACES_CACHE": str(cache.root)},
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE,
    )
    assert run.returncode == 1
    assert {"1000", "500"} <= bracketed(run.stderr.splitlines()[-1])


def test_a_local_service_needs_none_of_the_keys_and_certificates_of_another(cache, tmp_path, monkeypatch):
    """An operator has them in the environment, as docs say, and starts `faces up` or the demo."""
    certificate, key = Authority(tmp_path, "ours").issue("service")
    (tmp_path / "keys").write_text("a-key-of-more-than-16-letters")
    monkeypatch.setattr(local_process, "START_TIMEOUT", PATIENCE)
    for name, value in {
        **KEY,
        "FACES_API_KEYS_FILE": tmp_path / "keys",
        "FACES_TLS_CERTIFICATE": certificate,
        "FACES_TLS_KEY": key,
        "FACES_HOST": "0.0.0.0",
    }.items():
        monkeypatch.setenv(name, str(value))
    with local_service.running_service(cache, tmp_path / "service") as running:
        assert Service(running.url).model().id == running.model
