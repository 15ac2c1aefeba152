"""The image's stage that prepares the weights: the files that it copies suffice, and there is little else."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "ingest_service" / "Dockerfile"

IMPORT_ALL = """
import importlib, pkgutil, sys
import ingest_service.weights
for module in pkgutil.iter_modules(ingest_service.weights.__path__):
    importlib.import_module(f"ingest_service.weights.{module.name}")
print(ingest_service.__file__)
print(sorted({"cv2", "numpy", "onnx", "onnxruntime", "pydantic", "tensorflow"} & set(sys.modules)))
"""


@pytest.fixture(scope="module")
def stage(tmp_path_factory) -> Path:
    """A folder with the code that the stage copies."""
    folder = tmp_path_factory.mktemp("stage")
    [text] = re.findall(r"(?ms)^FROM \S+ AS weights\n(.*?)^FROM ", DOCKERFILE.read_text())
    copies = [words.split() for words in re.findall(r"(?m)^COPY (.+)$", text)]
    code = [words for words in copies if words[0].startswith("ingest_service")]
    assert code
    for *sources, target in code:
        for source in sources:
            if (ROOT / source).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / source, folder / target, ignore=ignored)
            else:
                (folder / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(ROOT / source, folder / target)
    return folder


def run(stage: Path, *arguments: str) -> str:
    """What Python prints that has the stage's code and what is installed, but not the checkout's code."""
    result = subprocess.run(
        [sys.executable, *arguments],
        cwd=stage,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(stage)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def test_the_copied_files_alone_print_the_commands_help(stage):
    said = run(stage, "-m", "ingest_service.weights", "--help")
    assert "--cache" in said
    assert "--model {Dlib}" in said


def test_the_copied_files_alone_can_be_imported_and_load_no_library_before_it_is_needed(stage):
    own, heavy = run(stage, "-c", IMPORT_ALL).splitlines()
    assert Path(own).is_relative_to(stage)
    assert heavy == "[]"


def test_little_else_is_copied(stage):
    copied = {path.relative_to(stage).as_posix() for path in stage.rglob("*.py")}
    own = {path for path in copied if path.startswith("ingest_service/weights/")}
    assert copied - own == {"ingest_service/__init__.py", "ingest_service/errors.py"}
