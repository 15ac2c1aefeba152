"""The wheel in an empty virtual environment, outside the checkout, as after `pip install`.

Not part of `./run test`: it installs TensorFlow. `./run test wheel` runs it.
"""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from tools import wait_until

from es_setup.embedded.local_node import free_port
from es_setup.embedded.plugins import elasticsearch_version
from faces.local_stack import working_folder
from ingest_service import __version__

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
Faces = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    subprocess.run([ROOT / "run", "wheel", "--out", folder], check=True, timeout=900)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def elsewhere(tmp_path_factory) -> Path:
    """A folder to run in, from which nothing of the checkout can be imported."""
    return tmp_path_factory.mktemp("elsewhere")


def environment(folder: Path, wanted: str, elsewhere: Path) -> Path:
    """A virtual environment with the wheel, of the versions that are pinned."""
    subprocess.run([sys.executable, "-m", "venv", folder], check=True, timeout=120)
    command = [UV, "pip", "install", "--quiet", "--no-config", "--python", folder / "bin" / "python"]
    command += ["--constraint", ROOT / "requirements.txt", wanted]
    subprocess.run(command, cwd=elsewhere, check=True, timeout=1200)
    return folder / "bin" / "faces"


def runner(program: Path, elsewhere: Path) -> Faces:
    def run(*arguments: object, **variables: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [program, *map(str, arguments)],
            cwd=elsewhere,
            env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"} | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=900,
            check=False,
        )

    return run


@pytest.fixture(scope="module")
def alone(wheel, elsewhere, tmp_path_factory) -> Faces:
    """`faces` of `pip install ingest-face`."""
    return runner(environment(tmp_path_factory.mktemp("alone"), str(wheel), elsewhere), elsewhere)


@pytest.fixture(scope="module")
def program(wheel, elsewhere, tmp_path_factory) -> Path:
    """Of `pip install 'ingest-face[demo]'`."""
    return environment(tmp_path_factory.mktemp("demo"), f"{wheel}[demo]", elsewhere)


def test_the_command_line_alone_has_a_version_help_and_completion(alone):
    assert alone("--version").stdout.split() == ["faces", __version__]
    for command in ("install", "index", "search", "explore", "calibrate", "up", "demo"):
        run = alone(command, "--help")
        assert run.returncode == 0, run.stderr
        assert "--quiet" in run.stdout
    completed = alone(_FACES_COMPLETE="complete_bash", COMP_WORDS="faces dash", COMP_CWORD="1")
    assert completed.stdout.split() == ["dashboards"]


def test_without_a_terminal_or_with_no_color_there_is_no_escape_sequence(alone):
    for arguments in (["--help"], ["status"], ["nonsense"]):
        run = alone(*arguments, NO_COLOR="1")
        assert run.stdout + run.stderr
        assert "\x1b" not in run.stdout + run.stderr
        run = alone(*arguments)
        assert "\x1b" not in run.stdout + run.stderr


def test_what_the_command_line_alone_lacks_is_said_with_the_extra_that_has_it(alone, tmp_path):
    for arguments, extra in ((["up"], "service"), (["demo"], "demo"), (["explore"], "explore")):
        run = alone(*arguments)
        assert run.returncode == 1
        assert f"ingest-face[{extra}]" in run.stderr
        assert len(run.stderr.splitlines()) == 1


def test_status_without_servers_is_1_and_json(alone):
    run = alone("status", "--json", ES_URL="http://127.0.0.1:1", FACES_URL="http://127.0.0.1:1")
    assert run.returncode == 1
    assert json.loads(run.stdout)["elasticsearch"]["ok"] is False


def test_a_demo_finds_the_right_people(program, elsewhere, tmp_path):
    figures, picture = tmp_path / "demo.json", tmp_path / "demo.png"
    run = runner(program, elsewhere)("demo", "--json", figures, "--plot", picture)
    assert run.returncode == 0, run.stderr
    found = json.loads(figures.read_text())
    assert (found["photos"], found["queries"]) == (93, 25)
    assert found["top1"] >= 0.96
    assert picture.stat().st_size > 100_000


@pytest.fixture
def data() -> Iterator[Path]:
    """A folder that the user who runs Elasticsearch can reach, as pytest's own are closed to it."""
    with working_folder() as folder:
        yield folder


@pytest.fixture
def up(program, elsewhere, data, tmp_path) -> Iterator[tuple[subprocess.Popen[str], Path]]:
    """`faces up` as a process, and the file of what it prints."""
    printed = tmp_path / "printed"
    with printed.open("w") as sink:
        process = subprocess.Popen(
            [program, "up", "--data", data, "--es-port", str(free_port()), "--faces-port", str(free_port())],
            cwd=elsewhere,
            stdout=sink,
            stderr=subprocess.PIPE,
            text=True,
        )
    yield process, printed
    if process.poll() is None:
        process.terminate()
    process.communicate(timeout=120)


def test_up_runs_the_stack_until_it_is_told_to_stop(up):
    process, printed = up

    def is_up() -> bool:
        assert process.poll() is None, process.communicate()[1]
        return "Ctrl-C" in printed.read_text()

    wait_until(is_up, 240)
    [desk] = re.findall(r"(?m)^desk +(http://\S+)$", printed.read_text())
    assert requests.get(f"{desk}/static/desk.css", timeout=5).ok
    [url] = set(re.findall(r"(?m)^Elasticsearch +(http://\S+)$", printed.read_text()))
    assert requests.get(f"{url}/_alias/faces", timeout=5).ok
    assert requests.get(url, timeout=5).json()["version"]["number"] == elsewhere_version(url)
    process.send_signal(signal.SIGTERM)
    assert process.wait(120) == 0


def elsewhere_version(url: str) -> str:
    """What the plugin was built for, by the node that runs it."""
    nodes = requests.get(f"{url}/_nodes/plugins", timeout=5).json()["nodes"].values()
    [plugin] = {
        plugin["elasticsearch_version"]
        for node in nodes
        for plugin in node["plugins"]
        if plugin["name"] == "ingest-face"
    }
    assert re.fullmatch(r"[\d.]+", plugin)
    assert plugin == elasticsearch_version()
    return str(plugin)
