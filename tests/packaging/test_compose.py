"""The Docker side as far as it can be tested without Docker: what Compose loads and names is there."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from compose_loader import COMPOSE, ROOT, SCRIPTS, Loader
from fake_kibana import FakeKibana
from typer.testing import CliRunner

from es_setup.embedded.plugins import elasticsearch_version
from faces.cli import app
from ingest_service.errors import SettingsError
from ingest_service.registry import MODELS
from ingest_service.settings import Settings
from kibana.boards import PROBES

DOCKERFILES = {name: ROOT / name / "Dockerfile" for name in ("es_setup", "ingest_service")}


@pytest.fixture(scope="module")
def loader(tmp_path_factory) -> Loader:
    return Loader(tmp_path_factory.mktemp("loader"))


@pytest.fixture(scope="module")
def services(loader) -> dict[str, Any]:
    return loader.services()


def instructions(dockerfile: Path) -> list[list[str]]:
    """Each instruction's words, continued lines joined."""
    lines = re.sub(r"(?m)^#.*\n", "", dockerfile.read_text()).replace("\\\n", " ").splitlines()
    return [shlex.split(line) for line in lines if line.strip()]


def test_compose_accepts_the_file(services):
    assert sorted(services) == ["desk", "elasticsearch", "faces", "kibana", "setup"]


@pytest.mark.parametrize(
    ("right", "wrong", "said"),
    [
        ("healthcheck:", "helthcheck:", "helthcheck"),
        ("condition: service_healthy", "condition: healthy", "service_healthy"),
        ("      faces:\n        condition", "      fazes:\n        condition", "undefined service"),
        ("- kibana-data:/usr", "- cabana-data:/usr", "undefined volume"),
    ],
)
def test_the_loader_refuses_what_is_wrong(loader, tmp_path, right, wrong, said):
    text = COMPOSE.read_text()
    assert right in text
    shutil.copy(ROOT / ".env", tmp_path)
    broken = tmp_path / "docker-compose.yml"
    broken.write_text(text.replace(right, wrong, 1))
    result = loader.run(broken)
    assert result.returncode != 0
    assert said in result.stderr


@pytest.mark.parametrize("version", [elasticsearch_version(), "8.19.99"])
def test_elasticsearch_kibana_and_plugin_have_one_version(loader, version):
    services = (
        loader.services() if version == elasticsearch_version() else loader.services(STACK_VERSION=version)
    )
    assert services["elasticsearch"]["build"]["args"]["STACK_VERSION"] == version
    assert services["kibana"]["image"] == f"docker.elastic.co/kibana/kibana:{version}"
    assert set(re.findall(r"\b[789]\.\d+\.\d+", json.dumps(services))) == {version}


def test_the_plugin_is_built_for_the_image_that_it_goes_into():
    words = instructions(DOCKERFILES["es_setup"])
    assert words.count(["ARG", "STACK_VERSION"]) == 2
    image = "docker.elastic.co/elasticsearch/elasticsearch:${STACK_VERSION}"
    assert ["ARG", f"ELASTICSEARCH_IMAGE={image}"] in words
    assert words[-3] == ["FROM", "${ELASTICSEARCH_IMAGE}"]
    assert "-Delasticsearch.version=$STACK_VERSION" in next(word for word in words if "mvn" in word)


def test_every_image_can_be_named_by_its_digest(loader):
    """What a Dockerfile builds on is an argument, which compose passes on."""
    digests = {
        f"{name}_IMAGE": f"mirror.example/{name.lower()}@sha256:{'0' * 64}"
        for name in ("PYTHON", "MAVEN", "ELASTICSEARCH", "KIBANA")
    }
    bases = {
        words[1]
        for dockerfile in DOCKERFILES.values()
        for words in instructions(dockerfile)
        if words[0] == "FROM"
    }
    stages = {words[3] for file in DOCKERFILES.values() for words in instructions(file) if "AS" in words}
    assert bases - stages == {"${PYTHON_IMAGE}", "${MAVEN_IMAGE}", "${ELASTICSEARCH_IMAGE}"}
    services = loader.services(**digests)
    passed = {"KIBANA_IMAGE": services["kibana"]["image"]}
    for service in services.values():
        passed |= service.get("build", {}).get("args", {})
    assert passed == digests | {"STACK_VERSION": elasticsearch_version()}
    assert {"PYTHON_IMAGE", "MAVEN_IMAGE"}.isdisjoint(
        name
        for service in loader.services().values()
        for name, value in service.get("build", {}).get("args", {}).items()
        if value is not None
    )


def test_no_container_has_more_rights_than_it_needs(services):
    for service in services.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
        assert not service.get("privileged")
    assert all(services[name]["read_only"] for name in ("desk", "faces", "setup"))


@pytest.mark.parametrize("dockerfile", DOCKERFILES.values(), ids=DOCKERFILES)
def test_what_a_dockerfile_copies_is_there_and_not_ignored(dockerfile):
    ignore = (ROOT / ".dockerignore").read_text().splitlines()
    sent = [line[1:] for line in ignore if line.startswith("!")]
    stages = [words[3] for words in instructions(dockerfile) if words[0] == "FROM" and len(words) == 4]
    for words in instructions(dockerfile):
        if words[0] != "COPY":
            continue
        if words[1].startswith("--from="):
            assert words[1].removeprefix("--from=") in stages
            continue
        for source in words[1:-1]:
            assert (ROOT / source).exists(), source
            assert source.partition("/")[0] in sent, source


@pytest.mark.parametrize("dockerfile", DOCKERFILES.values(), ids=DOCKERFILES)
def test_hadolint_finds_nothing(dockerfile):
    result = subprocess.run(
        [SCRIPTS / "hadolint", "--no-color", dockerfile], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_what_is_built_has_its_dockerfile_and_target(services):
    built = {name: service["build"] for name, service in services.items() if "build" in service}
    assert sorted(built) == ["desk", "elasticsearch", "faces", "setup"]
    for name, build in built.items():
        assert build["context"] == str(ROOT)
        text = (ROOT / build["dockerfile"]).read_text()
        assert "target" not in build or re.search(rf"(?m)^FROM \S+ AS {build['target']}$", text)
        # An image of the same name from a registry is never taken for ours.
        assert services[name]["pull_policy"] == "build"
        assert "image" not in services[name]


def test_the_set_up_runs_once_when_all_servers_are_healthy(services):
    setup = services["setup"]
    assert setup["restart"] == "no"
    waits = {name: wait["condition"] for name, wait in setup["depends_on"].items()}
    assert waits == dict.fromkeys(["elasticsearch", "faces", "kibana"], "service_healthy")
    assert all("healthcheck" in service for name, service in services.items() if name != "setup")


def test_every_address_is_that_of_a_service(services):
    given = {
        name: urlsplit(value)
        for service in services.values()
        for name, value in service.get("environment", {}).items()
        if value.startswith("http")
    }
    outside = {"kibana": given.pop("SERVER_PUBLICBASEURL"), "desk": given.pop("FACES_DESK_URL")}
    assert len(given) == 5
    [boards] = [word.partition("=")[2] for word in services["desk"]["command"] if "--kibana-url" in word]
    assert urlsplit(boards) == outside["kibana"]
    for url in given.values():
        assert str(url.port) in {str(port["target"]) for port in services[url.hostname]["ports"]}
    for name, url in outside.items():
        assert str(url.port) in {port["published"] for port in services[name]["ports"]}
        assert url.hostname == services[name]["ports"][0]["host_ip"]


def test_the_desk_waits_for_what_it_asks_and_runs_as_another_user_than_root(services):
    waits = {name: wait["condition"] for name, wait in services["desk"]["depends_on"].items()}
    assert waits == dict.fromkeys(["elasticsearch", "faces"], "service_healthy")
    text = DOCKERFILES["ingest_service"].read_text()
    [stage] = [part for part in text.split("\nFROM ") if " AS desk\n" in part]
    assert "\nUSER 1000\n" in stage
    assert services["desk"]["command"][:4] == ["python", "-m", "faces", "desk"]


def test_the_set_up_installs_the_pipelines_and_then_the_boards():
    [found] = re.findall(r'CMD (\["sh", .*)', DOCKERFILES["ingest_service"].read_text())
    commands = json.loads(found)
    assert commands[:2] == ["sh", "-c"]
    runs = [command.split() for command in commands[2].split(" && ")]
    assert runs == [
        ["python", "-m", "faces", "install", "--keep-edited"],
        ["python", "-m", "faces", "dashboards", "install", "--keep-edited"],
    ]
    for run in runs:
        assert CliRunner().invoke(app, [*run[3:], "--help"]).exit_code == 0


def test_a_later_start_of_the_stack_keeps_edited_boards_and_does_not_fail():
    [command] = re.findall(r"(dashboards install[^\"]*)\"\]", DOCKERFILES["ingest_service"].read_text())
    with FakeKibana() as kibana:
        where = {"KIBANA_URL": kibana.url}
        assert CliRunner().invoke(app, command, env=where).exit_code == 0
        board = ("dashboard", PROBES)
        kibana.edit(*board, title="Mine")
        assert CliRunner().invoke(app, command, env=where).exit_code == 0
        assert kibana.stored[board]["attributes"]["title"] == "Mine"


def test_kibana_shows_pictures_in_vega_and_takes_alert_rules(services):
    environment = services["kibana"]["environment"]
    assert environment["VIS_TYPE_VEGA_ENABLEEXTERNALURLS"] == "true"
    assert len(environment["XPACK_ENCRYPTEDSAVEDOBJECTS_ENCRYPTIONKEY"]) >= 32


def test_only_this_machine_reaches_the_ports(services):
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert [port["host_ip"] for port in ports] == ["127.0.0.1"] * 4


def test_the_service_reads_every_variable_that_it_is_given(services):
    names = set(re.findall(r"# (FACES_\w+)", (ROOT / "ingest_service" / "settings.py").read_text()))
    environment = services["faces"]["environment"]
    in_the_image = re.findall(r"\b(FACES_\w+)=", DOCKERFILES["ingest_service"].read_text())
    assert {*environment, *in_the_image} <= names
    assert set(in_the_image) == {"FACES_CACHE", "FACES_HOST"}
    settings = Settings.from_environment({"FACES_HOST": "0.0.0.0", **environment})
    assert (settings.profile, settings.host) == (next(iter(MODELS)), "0.0.0.0")
    assert settings.allowed_hosts == {"faces"}


def test_the_image_alone_does_not_open_the_service_to_all():
    dockerfile = DOCKERFILES["ingest_service"].read_text()
    assert re.findall(r"ENV FACES_HOST=(\S+)", dockerfile) == ["0.0.0.0"]
    with pytest.raises(SettingsError):
        Settings.from_environment({"FACES_HOST": "0.0.0.0"})


def test_the_image_runs_as_another_user_than_root_and_reports_to_nobody():
    words = instructions(DOCKERFILES["ingest_service"])
    assert words[-2:] == [["USER", "1000"], ["CMD", "[python,", "-m,", "ingest_service]"]]
    assert "ORT_DISABLE_TELEMETRY=1" in next(line for line in words if line[0] == "ENV")


@pytest.fixture
def answering() -> Iterator[tuple[int, list[int]]]:
    """A port where a GET of a health check is answered with the status in the list."""
    statuses = [200]

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(statuses[0] if self.path in ("/readyz", "/healthz") else 404)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_address[1], statuses
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("name", "own_port"), [("faces", "8501"), ("desk", "8502")])
def test_a_health_check_tells_ready_from_not_ready(services, answering, name, own_port):
    port, statuses = answering
    kind, _, flag, script = services[name]["healthcheck"]["test"]
    assert (kind, flag, script.count(own_port)) == ("CMD", "-c", 1)

    def exit_status(asked: int) -> int:
        command = [sys.executable, "-c", script.replace(own_port, str(asked))]
        return subprocess.run(command, capture_output=True, check=False).returncode

    assert exit_status(port) == 0
    statuses[0] = 503
    assert exit_status(port) != 0
    assert exit_status(1) != 0
