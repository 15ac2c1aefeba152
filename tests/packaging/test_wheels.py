"""Every default dependency installs from a wheel on the platforms that people use: nothing is compiled."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PLATFORMS = ("x86_64-manylinux_2_28", "aarch64-manylinux_2_28", "aarch64-apple-darwin")
PYTHONS = ("3.10", "3.11", "3.12")


def resolve(requirements: Path, platform: str, python: str) -> subprocess.CompletedProcess[str]:
    """uv asks the index for a wheel of each requirement that fits the platform, and downloads none. (`pip
    download --platform` checks the same, by downloading 3 GB, and compares versions with its own Python.)"""
    command = [Path(sys.executable).with_name("uv"), "pip", "compile", "--quiet", "--no-deps", "--no-build"]
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
