"""A real Elasticsearch for this machine, downloaded from Maven Central, with the plugin.

For demos, tests and trying out; other clusters get the plugin by ``elasticsearch-plugin install``. This
distribution lacks most of Elasticsearch's modules. A second plugin, ``embedded-root``, replaces one of them:
it answers ``GET /``, where clients such as eland ask for the version.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import zipfile
from collections.abc import Callable
from pathlib import Path

from es_setup.embedded import plugins
from es_setup.embedded.plugins import EngineError
from ingest_service.weights.new_file import readable_folder

ARTIFACT = "org.elasticsearch.distribution.integ-test-zip:elasticsearch"
SHA256 = "215d5f3dbf0609a149f6218a9e47b6ae2df34ebbff3c5754e35f15a5e5393c8a"
"""Of the distribution of the version in `.env`."""
DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"


def prepare(cache: Path, say: Callable[[str], None] = print) -> Path:
    """The home folder of Elasticsearch with the plugin, in ``cache``; an existing one is reused.

    Each build of the plugin has its own home, so that nodes of another build may keep running. The
    distribution's files are linked into it, not copied.

    Raises:
        EngineError: Maven, a download or the plugin's build failed.
    """
    version, found = plugins.elasticsearch_version(), plugins.zips(say)
    home = cache / "engine" / f"elasticsearch-{version}-{_digest(*found.values())[:12]}"
    if home.is_dir():
        say(f"Elasticsearch {version} with this plugin: reusing {home}")
        return home
    distribution = _distribution(version, cache, say)
    scratch = Path(tempfile.mkdtemp(prefix=".home-", dir=home.parent))
    try:
        shutil.copytree(distribution, scratch / "home", copy_function=os.link, symlinks=True)
        for name, plugin in found.items():
            with zipfile.ZipFile(plugin) as archive:
                archive.extractall(scratch / "home" / "plugins" / name)
        _make_readable(scratch / "home")
        (scratch / "home").replace(home)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    say(f"Elasticsearch {version}: plugin ingest-face installed")
    return home


def _distribution(version: str, cache: Path, say: Callable[[str], None]) -> Path:
    """The unpacked distribution, downloaded if need be."""
    folder = cache / "engine" / f"elasticsearch-{version}"
    if folder.is_dir():
        return folder
    readable_folder(folder.parent)
    say(f"Elasticsearch {version}: downloading from Maven Central (107 MB)")
    scratch = Path(tempfile.mkdtemp(prefix=".distribution-", dir=folder.parent))
    try:
        plugins.maven(
            f"{DEPENDENCY_PLUGIN}:copy",
            f"-Dartifact={ARTIFACT}:{version}:zip",
            f"-DoutputDirectory={scratch}",
        )
        archive = next(scratch.glob("*.zip"))
        if _digest(archive) != SHA256:
            raise EngineError(
                f"{archive.name} from Maven has the wrong SHA-256: delete it from ~/.m2 and try again"
            )
        # zipfile doesn't restore which files are executable.
        with zipfile.ZipFile(archive) as packed:
            for entry in packed.infolist():
                path = Path(packed.extract(entry, scratch / "unpacked"))
                if mode := (entry.external_attr >> 16) & 0o777:
                    path.chmod(mode)
        unpacked = next((scratch / "unpacked").iterdir())
        _make_readable(unpacked)
        unpacked.replace(folder)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _make_readable(folder: Path) -> None:
    """Opens the files to the user that runs Elasticsearch, as what root unpacks may be closed to others. Only
    their owner can change them."""
    for path in [folder, *folder.rglob("*")]:
        mode = path.stat().st_mode & 0o777
        path.chmod((mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444)) & ~0o022)


def _digest(*files: Path) -> str:
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
