"""The docs' programs that send a folder of photos, each with its packages and in a process of its own."""

from __future__ import annotations

import csv
import hashlib
import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psutil
from PIL import Image
from tools import encoded, picture, scene

ROOT = Path(__file__).parents[1]
PACKAGES = Path(__file__).parent / "clients"
"""The package file of each language, with pinned versions."""
PHOTOS = 40
FOLDERS = ("week 1", 'Zoë\'s "best" \\ 2')
LISTED = ("--require-hashes", "--only-binary", ":all:", "--no-deps")
ENDINGS = ("jpg", "jpg", "JPG", "JPG", "jpeg")


@dataclass(frozen=True)
class Program:
    """A program of the docs.

    Attributes:
        page: of docs/, without its ending.
        scene: the name of its code block.
        retries: the part of the text that makes it send refused documents again.
        default: what stands there in a program that leaves the client's default.
    """

    page: str
    scene: str
    retries: str
    default: str = ""

    def text(self, by_default: bool = False) -> str:
        """The program, or the same with its client's default."""
        text = scene((ROOT / "docs" / f"{self.page}.md").read_text(), self.scene)
        assert text.count(self.retries) == 1
        return text.replace(self.retries, self.default) if by_default else text


PYTHON = ("max_retries=10", "max_retries=0")
PROGRAMS = {
    "python": Program("send-photos", "python", *PYTHON),
    "python async": Program("clients", "python async", *PYTHON),
    "python of a dump": Program("clients", "python of a dump", *PYTHON),
    "python of a data frame": Program("clients", "python of a data frame", *PYTHON),
    "javascript": Program("clients", "javascript", "  retries: 30,\n"),
    "go": Program("clients", "go", "retries  = 30", "retries  = 0"),
    "java": Program("clients", "java", ".backoffPolicy(BackoffPolicy.constantBackoff(5000L, 30))"),
    "curl": Program("clients", "curl folder", "--retry 30 --retry-delay 5"),
}


class Packages:
    """The clients' packages, installed once below ``folder``."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def python(self) -> Path:
        return self._folder / "python" / "venv" / "bin" / "python"

    @property
    def python_9(self) -> Path:
        """With a client of Elasticsearch 9."""
        return self._folder / "python-9" / "venv" / "bin" / "python"

    @property
    def node_modules(self) -> Path:
        return self._folder / "javascript" / "node_modules"

    @property
    def elasticdump(self) -> Path:
        return self.node_modules / ".bin" / "elasticdump"

    def install(self) -> None:
        virtual_environment = (
            [_ours("uv"), "venv", "--quiet", "--clear", "--python", sys.executable, "venv"],
            [_ours("uv"), "pip", "install", "--quiet", "--python", "venv", *LISTED, "-r", "requirements.txt"],
        )
        for language, commands in {
            "python": virtual_environment,
            "python-9": virtual_environment,
            "javascript": (["npm", "ci", "--silent"],),
            "go": ([_ours("go"), "mod", "download"],),
            "java": (["mvn", "-q", "-B", "-ntp", "--strict-checksums", "dependency:copy-dependencies"],),
        }.items():
            self._install(language, commands)

    def _install(self, language: str, commands: tuple[list[str], ...]) -> None:
        """Runs the commands in a copy of the language's package files, unless it is there already."""
        wanted = {file.name: file.read_bytes() for file in (PACKAGES / language).iterdir() if file.is_file()}
        target = self._folder / language
        stamp = target / ".installed"
        if stamp.is_file() and all((target / name).read_bytes() == data for name, data in wanted.items()):
            return
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        for name, data in wanted.items():
            (target / name).write_bytes(data)
        for command in commands:
            _checked(command, target)
        stamp.touch()

    def command(self, name: str, text: str, folder: Path) -> list[str]:
        """Writes the program ``name`` into ``folder``; returns what runs it there."""
        if name.startswith("python"):
            return [str(self.python), "-c", text]
        if name == "curl":
            return ["bash", "-uo", "pipefail", "-c", text]
        if name == "javascript":
            (folder / "send.mjs").write_text(text)
            (folder / "node_modules").symlink_to(self.node_modules)
            return ["node", "send.mjs"]
        if name == "java":
            (folder / "SendPhotos.java").write_text(text)
            jars = self._folder / "java" / "target" / "dependency"
            return ["java", "-cp", f"{jars}/*", "SendPhotos.java"]
        for file in ("go.mod", "go.sum"):
            shutil.copy(self._folder / "go" / file, folder)
        (folder / "main.go").write_text(text)
        _checked([_ours("go"), "build", "-o", "send", "."], folder)
        return ["./send"]


class Sender:
    """A program in its own folder, with photos of its own below ``photos/``."""

    def __init__(self, command: list[str], folder: Path, es_url: str) -> None:
        self._folder = folder
        self._errors = folder / "stderr.txt"
        with self._errors.open("w") as errors:
            self._process = subprocess.Popen(
                command,
                cwd=folder,
                env=os.environ | {"ES_URL": es_url, "LC_ALL": "C.UTF-8"},
                stdin=subprocess.DEVNULL,
                stdout=errors,
                stderr=errors,
            )

    def wait(self, seconds: float) -> int:
        """The exit status; ends a program that runs longer."""
        try:
            return self._process.wait(seconds)
        finally:
            self._process.kill()

    def is_sending(self) -> bool:
        """Whether it has a connection at the moment, or has ended."""
        try:
            process = psutil.Process(self._process.pid)
            family = [process, *process.children(recursive=True)]
            return any(
                connection.status == psutil.CONN_ESTABLISHED
                for member in family
                for connection in member.net_connections("tcp")
            )
        except psutil.NoSuchProcess:
            return self._process.poll() is not None

    @property
    def said(self) -> str:
        """Both outputs."""
        return self._errors.read_text()

    @property
    def refused(self) -> list[str]:
        """The lines that name a photo (of a dump: its id) which was not stored."""
        return [line for line in self.said.splitlines() if line.startswith("not stored: ")]

    @property
    def photos(self) -> dict[str, str]:
        """The id that each photo's document should have -> its path."""
        return {
            id_of(path.read_bytes()): path.relative_to(self._folder).as_posix()
            for path in (self._folder / "photos").rglob("IMG_*")
        }


def write_photos(folder: Path, seed: str) -> None:
    """Photos of the same names in two folders below ``photos/``, as two cameras name theirs; the same as a
    dump, ``photos.json``; and a list of them, ``photos.csv``."""
    random = np.random.default_rng(list(seed.encode()))
    lines, rows = [], [("path", "person")]
    for number in range(PHOTOS):
        path = folder / "photos" / FOLDERS[number % 2] / f"IMG_{number // 2}.{ENDINGS[number % len(ENDINGS)]}"
        path.parent.mkdir(parents=True, exist_ok=True)
        photo = picture(Image.fromarray(random.integers(0, 255, (96, 96, 3), np.uint8)))
        path.write_bytes(photo)
        name = path.relative_to(folder).as_posix()
        source = {"image": encoded(photo), "file": {"path": name}}
        lines.append(json.dumps({"_index": "faces-000001", "_id": id_of(photo), "_source": source}))
        rows.append((name, "Ann"))
    (folder / "photos.json").write_text("".join(f"{line}\n" for line in lines))
    with (folder / "photos.csv").open("w", newline="") as table:
        csv.writer(table).writerows(rows)


def id_of(photo: bytes) -> str:
    """As the docs say."""
    return hashlib.sha256(photo).hexdigest()[:20]


def _ours(command: str) -> str:
    """A command that our own environment has."""
    return str(Path(sys.executable).with_name(command))


def _checked(command: list[str], folder: Path) -> None:
    run = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert run.returncode == 0, f"{command}: {run.stdout[-2000:]}{run.stderr[-2000:]}"
