"""The plugins' zips: built by Maven in a checkout; a wheel contains those for the default Elasticsearch."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

from ingest_service import __version__
from ingest_service.errors import UserError

SOURCES = Path(__file__).parents[1] / "plugin"
SHIPPED = Path(__file__).parent / "plugins"
"""The folder of a wheel's zips, filled by `./run wheel`."""
STACK_VERSION = Path(__file__).parents[2] / ".env"
PLUGIN = "ingest-face"
PLUGINS = (PLUGIN, "embedded-root")
NO_PLUGIN = (
    "this installation has no plugin for Elasticsearch: run `./run faces` in a checkout, or install a wheel "
    "built there by `./run wheel`"
)


class EngineError(UserError):
    """Elasticsearch or the plugin can't be downloaded, built or started; the message says what to do."""


def elasticsearch_version() -> str:
    """The default version of Elasticsearch: in a checkout that of the file `.env`, in a wheel the plugin's.

    Raises:
        EngineError: this is neither, or a wheel without the plugin.
    """
    if in_checkout():
        found = re.search(r"(?m)^STACK_VERSION=(\S+)$", STACK_VERSION.read_text())
    else:
        found = re.search(r"-es([\d.]+)\.zip$", shipped(PLUGIN).name)
    if found is None:
        raise EngineError(NO_PLUGIN)
    return found[1]


def in_checkout() -> bool:
    return (SOURCES / "pom.xml").is_file()


def shipped(name: str) -> Path:
    """The zip of the plugin ``name`` in a wheel.

    Raises:
        EngineError: there is none.
    """
    found = next(SHIPPED.glob(f"{name}-*.zip"), None)
    if found is None:
        raise EngineError(NO_PLUGIN)
    return found


def zips(say: Callable[[str], None]) -> dict[str, Path]:
    """Plugin -> its zip. In a checkout Maven builds them if a source is newer; the same sources give the same
    bytes.

    Raises:
        EngineError: a wheel has none, or the build failed.
    """
    if not in_checkout():
        return {name: shipped(name) for name in PLUGINS}
    target = SOURCES / "target"
    sources = [SOURCES / "pom.xml", STACK_VERSION, *(SOURCES / "src").rglob("*")]
    newest = max(path.stat().st_mtime for path in sources if path.is_file())
    built = {name: next(target.glob(f"{name}-{__version__}*.zip"), None) for name in PLUGINS}
    fresh = {name: path for name, path in built.items() if path and path.stat().st_mtime > newest}
    if len(fresh) == len(PLUGINS):
        say(f"plugin: reusing {fresh[PLUGIN].name}")
        return fresh
    say("plugin: building with Maven (the first build downloads Elasticsearch's libraries)")
    maven("-f", str(SOURCES / "pom.xml"), *properties(elasticsearch_version()), "package", "-DskipTests")
    return {name: next(target.glob(f"{name}-{__version__}*.zip")) for name in PLUGINS}


def properties(version: str) -> list[str]:
    """Maven's options for building the plugin for a version of Elasticsearch."""
    return [f"-Drevision={__version__}", f"-Delasticsearch.version={version}"]


def maven(*arguments: str) -> None:
    """Runs Maven, quietly.

    Raises:
        EngineError: Maven isn't installed, or failed.
    """
    if shutil.which("mvn") is None:
        raise EngineError("Maven isn't installed: `apt-get install maven` or `brew install maven`")
    command = ["mvn", "-q", "-B", "-ntp", "--strict-checksums", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    if result.returncode != 0:
        raise EngineError(f"`{' '.join(command[:6])} …` failed:\n{(result.stdout + result.stderr)[-3000:]}")
