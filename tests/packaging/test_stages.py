"""Each stage of each Dockerfile copies the files of the project that its own commands need: they run on those
alone, without the network."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # it starts what each stage runs

ROOT = Path(__file__).parents[2]
MODULE = re.compile(r"python -m ([\w.]+)((?: [\w-]+)*)")
"""A module that a stage runs, and its subcommands."""

NO_NETWORK = """
import runpy, socket, sys

def refuse(*_, **__):
    raise AssertionError("the network was used")

socket.socket.connect = socket.create_connection = refuse
"""
RUN = f"""{NO_NETWORK}
sys.argv.pop(0)
runpy.run_module(sys.argv[0], run_name="__main__")
"""
IMPORT_ALL = f"""{NO_NETWORK}
import importlib, pkgutil
for package in sys.argv[1:]:
    found = importlib.import_module(package)
    print(found.__file__)
    for module in pkgutil.walk_packages(found.__path__, package + "."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
"""
HEAVY = """
print(sorted({"cv2", "numpy", "onnx", "onnxruntime", "pydantic", "tensorflow"} & set(sys.modules)))
"""


@dataclass(frozen=True)
class Stage:
    """A stage of a Dockerfile: its instructions, as (name, the rest)."""

    dockerfile: Path
    name: str
    instructions: list[tuple[str, str]]

    def copies(self) -> list[tuple[list[str], str]]:
        """(sources in the project, target) of each COPY of the project's files."""
        found = []
        for name, rest in self.instructions:
            if name == "COPY" and not rest.startswith("--from="):
                *sources, target = shlex.split(rest)
                found.append((sources, target))
        return found

    def commands(self) -> list[list[str]]:
        """What it runs of the project, while it is built or when it is started: modules and subcommands."""
        lines = [
            " ".join(json.loads(rest)) if rest.startswith("[") else rest
            for name, rest in self.instructions
            if name in ("RUN", "CMD")
        ]
        return [[module, *words.split()] for line in lines for module, words in MODULE.findall(line)]

    def copy_to(self, folder: Path) -> None:
        for sources, target in self.copies():
            for source in sources:
                place = folder / target
                if (ROOT / source).is_dir():
                    shutil.copytree(
                        ROOT / source,
                        place,
                        ignore=shutil.ignore_patterns("__pycache__", "target"),
                        dirs_exist_ok=True,
                    )
                elif target.endswith("/"):
                    place.mkdir(parents=True, exist_ok=True)
                    shutil.copy(ROOT / source, place)
                else:
                    shutil.copy(ROOT / source, place)


def stages(dockerfile: Path) -> list[Stage]:
    text = re.sub(r"(?m)^\s*#.*\n", "", dockerfile.read_text()).replace("\\\n", " ")
    found: list[Stage] = []
    for line in filter(str.strip, text.splitlines()):
        name, _, rest = line.strip().partition(" ")
        if name == "FROM":
            words = rest.split()
            found.append(Stage(dockerfile, words[-1], []))
        elif found:
            found[-1].instructions.append((name, rest.strip()))
    return found


ALL = [stage for folder in ("ingest_service", "es_setup") for stage in stages(ROOT / folder / "Dockerfile")]
WITH_CODE = [stage for stage in ALL if stage.commands()]


def python(folder: Path, *arguments: str) -> str:
    """What Python prints that has the copied files and what is installed, but not the checkout."""
    result = subprocess.run(
        [sys.executable, "-c", *arguments],
        cwd=folder,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(folder), "FACES_CACHE": str(folder / "cache")},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_stages_with_code_are_found():
    assert {stage.name for stage in WITH_CODE} == {"weights", "setup", "desk", "faces"}
    with_files = {"weights", "setup", "serving", "desk", "faces", "plugin"}
    assert {stage.name for stage in ALL if stage.copies()} == with_files


@pytest.mark.parametrize("stage", WITH_CODE, ids=lambda stage: stage.name)
def test_what_a_stage_runs_finds_every_module_among_the_files_that_it_copies(stage, tmp_path):
    stage.copy_to(tmp_path)
    for module, *words in stage.commands():
        if module != "ingest_service":  # the service has no --help: it starts
            assert "usage" in python(tmp_path, RUN, module, *words, "--help").lower()
    packages = sorted({module.split(".")[0] for module, *_ in stage.commands()})
    if stage.name == "weights":
        packages = ["ingest_service.weights"]
    for file in python(tmp_path, IMPORT_ALL, *packages).split():
        assert Path(file).is_relative_to(tmp_path)


def test_the_weights_stage_copies_little_else_and_loads_no_library_before_it_is_needed(tmp_path):
    """So that a change elsewhere doesn't download and convert again."""
    [weights] = [stage for stage in ALL if stage.name == "weights"]
    weights.copy_to(tmp_path)
    copied = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*.py")}
    own = {path for path in copied if path.startswith("ingest_service/weights/")}
    assert copied - own == {"ingest_service/__init__.py", "ingest_service/errors.py"}
    assert python(tmp_path, IMPORT_ALL + HEAVY, "ingest_service.weights").splitlines()[-1] == "[]"


def test_the_test_notices_a_module_that_is_not_copied(tmp_path):
    [weights] = [stage for stage in ALL if stage.name == "weights"]
    weights.copy_to(tmp_path)
    (tmp_path / "ingest_service" / "errors.py").unlink()
    with pytest.raises(AssertionError, match=r"No module named 'ingest_service\.errors'"):
        python(tmp_path, RUN, "ingest_service.weights", "--help")


def test_the_service_starts_on_the_files_that_its_image_copies(tmp_path):
    [served] = [stage for stage in ALL if stage.name == "faces"]
    served.copy_to(tmp_path)
    settings = "Settings(profile='stub-128')"
    asked = "from ingest_service.app import create_app\nfrom ingest_service.settings import Settings\n"
    asked += f"print(create_app({settings}).test_client().get('/readyz').json['status'])"
    assert python(tmp_path, NO_NETWORK + asked) == "ready\n"


def test_the_plugin_is_built_from_all_that_maven_needs(tmp_path):
    """Its pom, its sources and the file whose version it takes."""
    [plugin] = [stage for stage in ALL if stage.name == "plugin"]
    plugin.copy_to(tmp_path)
    [version] = [rest for name, rest in plugin.instructions if name == "RUN" and "version.py" in rest]
    command = re.search(r"\$\((sed .*? version\.py)\)", version).group(1)
    said = subprocess.run(shlex.split(command), cwd=tmp_path, capture_output=True, text=True, check=True)
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", said.stdout)
    assert (tmp_path / "pom.xml").is_file()
    assert list((tmp_path / "src").rglob("FaceProcessor.java"))
