"""Every default dependency installs from a wheel on the platforms that people use: nothing is compiled.
Our own wheel has all that it reads.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow  # it asks the package index

ROOT = Path(__file__).parents[2]
UV = Path(sys.executable).with_name("uv")
PACKAGES = ("es_setup", "evaluation", "faces", "ingest_service", "kibana")
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin")
PYTHONS = ("3.10", "3.11", "3.12")


def resolve(requirements: Path, platform: str, python: str) -> subprocess.CompletedProcess[str]:
    """uv asks the index for a wheel of each requirement that fits the platform, and downloads none. (`pip
    download --platform` checks the same, by downloading 3 GB, and compares versions with its own Python.)"""
    command = [UV, "pip", "compile", "--quiet", "--no-deps", "--no-build"]
    command += ["--python-platform", platform, "--python-version", python, str(requirements)]
    # macOS 14 is the oldest that ONNX Runtime has wheels for.
    environment = os.environ | {"MACOSX_DEPLOYMENT_TARGET": "14.0"}
    return subprocess.run(
        command, cwd="/", env=environment, capture_output=True, text=True, timeout=300, check=False
    )


@pytest.mark.parametrize("python", PYTHONS)
@pytest.mark.parametrize("platform", PLATFORMS)
def test_every_dependency_has_a_wheel(platform, python):
    run = resolve(ROOT / "requirements.txt", platform, python)
    assert run.returncode == 0, run.stderr
    assert len(run.stdout.splitlines()) > 80


def test_the_check_notices_a_package_without_a_wheel(tmp_path):
    (tmp_path / "wanted.txt").write_text("yuface==2023.5.1\n")
    run = resolve(tmp_path / "wanted.txt", "aarch64-apple-darwin", "3.11")
    assert run.returncode != 0
    assert "yuface" in run.stderr


@pytest.fixture(scope="module")
def sources(tmp_path_factory) -> Path:
    """What the wheel is built from, away from the checkout, in which a build leaves folders."""
    folder = tmp_path_factory.mktemp("sources")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, folder)
    made = shutil.ignore_patterns("__pycache__", "target", "node_modules")
    for name in PACKAGES:
        shutil.copytree(ROOT / name, folder / name, ignore=made)
    return folder


@pytest.fixture(scope="module")
def installed(sources: Path, tmp_path_factory) -> Path:
    """The content of our wheel, built with the setuptools that is here."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [UV, "build", "--quiet", "--wheel", "--offline", "--no-build-isolation"]
    command += ["--python", sys.executable, "--out-dir", str(folder), str(sources)]
    run = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert run.returncode == 0, run.stderr
    [wheel] = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "installed")
    return folder / "installed"


def files(folder: Path) -> set[str]:
    paths = [path for name in PACKAGES for path in (folder / name).rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix() for path in paths}


def test_our_wheel_has_every_file_but_the_plugins_sources_and_docker(sources, installed):
    left_out = files(sources) - files(installed)
    plugin = {name for name in left_out if name.startswith("es_setup/plugin/")}
    assert left_out - plugin == {"es_setup/Dockerfile", "ingest_service/Dockerfile"}


READ = """
import es_setup.shipped_files
import kibana.alert, kibana.build, kibana.importing

assert es_setup.shipped_files.requests()
assert es_setup.shipped_files.role_requests()
assert kibana.importing.SHIPPED.read_text(encoding="utf-8") == kibana.build.text()
print(es_setup.shipped_files.HERE)
"""


def test_templates_and_boards_are_read_from_where_our_wheel_is_installed(installed):
    environment = os.environ | {"PYTHONPATH": str(installed)}
    command = [sys.executable, "-c", READ]
    run = subprocess.run(
        command, cwd=installed, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert run.stdout == f"{installed / 'es_setup'}\n", run.stderr
