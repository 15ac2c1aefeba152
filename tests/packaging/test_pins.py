"""What is installed or built is pinned: Python's and npm's packages by digest, Maven's by version."""

from __future__ import annotations

import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest

ROOT = Path(__file__).parents[2]
LISTS = [
    path.relative_to(ROOT)
    for path in (
        *ROOT.glob("requirements*.txt"),
        *ROOT.glob("locks/*.txt"),
        *ROOT.glob("tests/clients/*/requirements.txt"),
    )
]
NPM = [
    path.relative_to(ROOT)
    for folder in ("board_preview/renderer", "tests/clients/javascript")
    for path in (ROOT / folder).glob("package-lock.json")
]
COMMANDS = (
    "run",
    "ingest_service/Dockerfile",
    "es_setup/Dockerfile",
    "tests/client_programs.py",
    "tests/node9.py",
)
POM = "{http://maven.apache.org/POM/4.0.0}"


def joined(path: str | Path) -> list[str]:
    """The file's lines, continued ones joined, without comments."""
    text = (ROOT / path).read_text().replace("\\\n", " ")
    return [line.strip() for line in text.splitlines() if line.strip() and not line.strip().startswith("#")]


@pytest.mark.parametrize("file", LISTS, ids=str)
def test_every_package_of_a_list_has_a_version_and_digests(file):
    lines = joined(file)
    assert lines
    for line in lines:
        assert re.fullmatch(
            r"[a-z0-9-]+(\[[a-z,]+\])?==[\w.]+( ; [^-]+?)?(\s+--hash=sha256:[0-9a-f]{64})+", line
        ), line.split()[0]


def test_the_lists_are_found():
    assert {
        "requirements.txt",
        "requirements-dev.txt",
        "locks/cli.txt",
        "locks/convert.txt",
        "locks/serve.txt",
    } < {str(file) for file in LISTS}


@pytest.mark.parametrize("file", COMMANDS)
def test_every_install_checks_digests_and_takes_wheels_only(file):
    """A source release would fetch, unchecked, what it is built with, and run its own code."""
    text = (ROOT / file).read_text()
    installs = [line for line in joined(file) if re.search(r"pip\W+install\b", line)]
    options = ("--require-hashes", "--only-binary", ":all:", "--no-deps")
    for line in installs:
        named = line if "$safely" not in line and "*LISTED" not in line else text
        assert [option for option in options if option not in named] == [], line
    assert installs or "mvn" in text


@pytest.mark.parametrize("file", NPM, ids=str)
def test_every_node_module_has_a_digest_and_no_module_runs_scripts(file):
    packages = json.loads((ROOT / file).read_text())["packages"]
    assert len(packages) > 5
    assert [name for name, found in packages.items() if name and "integrity" not in found] == []
    assert "ignore-scripts=true" in (ROOT / file).with_name(".npmrc").read_text().splitlines()


@pytest.mark.parametrize("file", ["es_setup/plugin/pom.xml", "tests/clients/java/pom.xml"])
def test_every_maven_plugin_and_library_has_a_fixed_version(file):
    pom = ElementTree.parse(ROOT / file).getroot()
    found = [
        *pom.findall(f"{POM}build/{POM}plugins/{POM}plugin"),
        *pom.findall(f"{POM}dependencies/{POM}dependency"),
        *pom.findall(f"{POM}profiles/{POM}profile/{POM}dependencies/{POM}dependency"),
    ]
    versions = [element.findtext(f"{POM}version", "") for element in found]
    assert versions
    assert [version for version in versions if not re.fullmatch(r"\d[\w.-]*|\$\{[\w.]+\}", version)] == []


def test_maven_refuses_files_of_other_checksums():
    ours = (
        "run",
        "es_setup/Dockerfile",
        "es_setup/embedded/plugins.py",
        "tests/client_programs.py",
        "tests/node9.py",
    )
    for file in ours:
        text = (ROOT / file).read_text()
        assert len(re.findall(r"\bmvn\W+-q\b", text)) == text.count("--strict-checksums") > 0, file
