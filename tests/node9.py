"""A real node of a version whose distribution isn't on Maven Central, such as Elasticsearch 9.

It runs in Elasticsearch's own test framework, with assertions on. At the end that fails if
the plugin has left a thread or a search behind.
"""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tools import one_at_a_time

from es_setup.connection import Connection
from es_setup.embedded.plugins import SOURCES, properties
from es_setup.install import install
from faces.local_service import running_service
from faces.local_stack import LocalStack
from ingest_service.weights.cache import Cache

START_TIMEOUT = 180
STOP_TIMEOUT = 120


@contextmanager
def running_stack(weights: Cache, version: str) -> Iterator[LocalStack]:
    """As ``faces.local_stack.running_stack``, with a node of ``version``."""
    with tempfile.TemporaryDirectory(prefix="ingest-face-") as name:
        folder = Path(name)
        with running_service(weights, folder) as service:
            settings = {"http.port": "0", "face.endpoint.default.urls": service.url}
            with running_node(version, folder, settings) as url:
                connection = Connection(es_url=url, faces_url=service.url)
                for _ in install(connection.elasticsearch(), service.model):
                    pass
                yield LocalStack(connection, service.model, service, folder)


@contextmanager
def running_node(
    version: str, folder: Path, settings: dict[str, str], with_plugin: bool = True
) -> Iterator[str]:
    """The node's URL. The node ends when its standard input does, so also if this process is killed."""
    with one_at_a_time():
        class_path = _build(version)
    (folder / "node.yml").write_text("".join(f"{key}: {value}\n" for key, value in settings.items()))
    (folder / "tmp").mkdir()
    address, log = folder / "address", folder / "node.log"
    java = Path(os.environ["JAVA_HOME"], "bin", "java") if "JAVA_HOME" in os.environ else "java"
    command = [
        *(java, "-ea", "-Xmx1g", "-cp", class_path, f"-Djava.io.tmpdir={folder / 'tmp'}"),
        *("--add-modules=jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"),
        *("-Dtests.security.manager=false", "-Dtests.gradle=false"),
        f"-Dtests.node.plugin={str(with_plugin).lower()}",
        *(f"-Dtests.node.settings={folder / 'node.yml'}", f"-Dtests.node.address={address}"),
        *("org.junit.runner.JUnitCore", "org.ingestface.NodeUntilStdinEnds"),
    ]
    with log.open("w") as sink:
        process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=sink,
            stderr=subprocess.STDOUT,
            cwd=folder,
            start_new_session=True,
        )
    try:
        yield _url(process, address, log)
        process.communicate(timeout=STOP_TIMEOUT)
    finally:
        process.kill()
        process.communicate()
    assert process.returncode == 0, f"the node of {version} failed at its end:\n{log.read_text()[-6000:]}"


@cache
def _build(version: str) -> str:
    """Compiles the plugin and its tests for ``version``, and returns their class path."""
    target = SOURCES / "target" / f"node-{version}"
    options = [*properties(version), f"-DbuildDirectory={target}"]
    command = [
        "mvn",
        "-q",
        "-B",
        "-ntp",
        "--strict-checksums",
        "-f",
        SOURCES / "pom.xml",
        "-Pnode",
        *options,
        "test-compile",
    ]
    subprocess.run(command, check=True, timeout=1200)
    jars = (target / "class-path").read_text()
    return f"{target / 'classes'}{os.pathsep}{target / 'test-classes'}{os.pathsep}{jars}"


def _url(process: subprocess.Popen[bytes], address: Path, log: Path) -> str:
    deadline = time.monotonic() + START_TIMEOUT
    while not address.exists():
        assert process.poll() is None, f"the node ended while starting:\n{log.read_text()[-6000:]}"
        assert time.monotonic() < deadline, f"the node doesn't start:\n{log.read_text()[-6000:]}"
        time.sleep(0.1)
    return f"http://{address.read_text()}"
