"""Nodes of Elasticsearch on this machine: one or several, started, stopped, killed."""

from __future__ import annotations

import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import requests

from es_setup.embedded.plugins import EngineError
from es_setup.private_files import PRIVATE_UMASK, close, open_log, own_folder, private_folder

FOLDERS = ("config", "data", "logs", "tmp")
"""Of a node."""
START_TIMEOUT = 180
STOP_TIMEOUT = 60
_SECURE: Mapping[str, str] = MappingProxyType(
    {
        "xpack.security.enabled": "true",
        "xpack.security.authc.realms.file.file.order": "0",
        "xpack.security.http.ssl.enabled": "true",
        "xpack.security.http.ssl.certificate": "http.crt",
        "xpack.security.http.ssl.key": "http.key",
        # Traffic between nodes never leaves loopback.
        "xpack.security.transport.ssl.enabled": "false",
    }
)


@dataclass(frozen=True)
class Security:
    """TLS and the users of a node, of which ``user`` checks whether the node is ready.

    Attributes:
        files: more files of the configuration folder: ``users``, ``roles.yml``, certificates and their keys
            (name -> text).
        keystore: secure settings that the node starts with.
        certificate_authority: a PEM file; it has signed the HTTP certificate in ``files``.
    """

    user: str
    password: str = field(repr=False)
    certificate_authority: Path
    files: Mapping[str, str] = field(repr=False)
    keystore: Mapping[str, str] = field(default_factory=dict, repr=False)


class Node:
    """A node on loopback that can be stopped, killed and started again with its data and configuration.

    Args:
        home: from ``distribution.prepare``.
        folder: for configuration, data and logs; existing data is kept.
        settings: more settings of ``elasticsearch.yml``.
        port: for HTTP; default: a free one.
        security: default: none, everybody may do everything.

    Raises:
        EngineError: the port is in use, or a secure setting can't be stored.
    """

    def __init__(
        self,
        home: Path,
        folder: Path,
        settings: Mapping[str, str],
        port: int | None = None,
        heap: str = "512m",
        security: Security | None = None,
    ) -> None:
        port = port or free_port()
        require_free(port, "Elasticsearch")
        self.folder = folder
        self.log = folder / "logs" / "console.log"
        self.url = f"{'https' if security else 'http'}://127.0.0.1:{port}"
        self._home = home
        self._heap = heap
        self._security = security
        self._process: subprocess.Popen[bytes] | None = None
        self.log.unlink(missing_ok=True)
        _configure(home, folder, settings, port, security)
        if security:
            self._keystore("create")
            for name, value in security.keystore.items():
                self.store_secret(name, value)

    @property
    def pid(self) -> int:
        """The id of the node's process, which leads a process group."""
        assert self._process is not None, "the node has not been started"
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        with open_log(self.log) as console:
            self._process = subprocess.Popen(
                [str(self._home / "bin" / "elasticsearch")],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=_environment(self.folder, self._heap),
                # A terminal's Ctrl-C is for us: we stop the node after our own clean-up.
                start_new_session=True,
                umask=PRIVATE_UMASK,
                **_runner(self.folder, *FOLDERS),
            )

    def wait_until_ready(self, nodes: int = 1) -> None:
        """Waits until the cluster has at least ``nodes`` nodes and all primary shards.

        Raises:
            EngineError: the node ended, or the cluster isn't ready within ``START_TIMEOUT`` seconds.
        """
        assert self._process is not None, "the node has not been started"
        access = self._security
        query = f"wait_for_status=yellow&wait_for_nodes=>={nodes}&timeout=5s"
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise EngineError(f"Elasticsearch ended while starting:\n{self.log.read_text()[-3000:]}")
            try:
                health = requests.get(
                    f"{self.url}/_cluster/health?{query}",
                    auth=(access.user, access.password) if access else None,
                    verify=str(access.certificate_authority) if access else True,
                    timeout=10,
                )
                if health.ok:
                    return
            except requests.RequestException:
                pass
            time.sleep(0.25)
        raise EngineError(
            f"Elasticsearch wasn't ready within {START_TIMEOUT} s:\n{self.log.read_text()[-3000:]}"
        )

    def stop(self) -> None:
        if self._process is not None:
            stop(self._process)

    def kill(self) -> None:
        """Ends it at once, without clean-up, as a power failure does."""
        os.killpg(self.pid, signal.SIGKILL)
        self.stop()

    def store_secret(self, name: str, value: str) -> None:
        """Puts a secure setting into the keystore, for the next start or ``_nodes/reload_secure_settings``.

        Raises:
            EngineError: the setting can't be stored.
        """
        self._keystore("add", "--stdin", "--force", name, secret=value)

    def _keystore(self, *arguments: str, secret: str = "") -> None:
        result = subprocess.run(
            [str(self._home / "bin" / "elasticsearch-keystore"), *arguments],
            input=secret,
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=_environment(self.folder, self._heap),
            check=False,
            umask=PRIVATE_UMASK,
            **_runner(self.folder, "config", "tmp"),
        )
        # The tool gives its group access.
        close(self.folder / "config")
        if result.returncode != 0:
            raise EngineError(f"elasticsearch-keystore {arguments[0]} failed:\n{result.stderr[-2000:]}")


@contextmanager
def running_node(
    home: Path,
    folder: Path,
    settings: Mapping[str, str],
    port: int | None = None,
    security: Security | None = None,
) -> Iterator[Node]:
    """A node that runs until the end of the block. Arguments: see ``Node``.

    Raises:
        EngineError: the node doesn't start; the message says why.
    """
    node = Node(home, folder, settings, port, security=security)
    try:
        node.start()
        node.wait_until_ready()
        yield node
    finally:
        node.stop()


@contextmanager
def running_cluster(
    home: Path, folder: Path, settings: Mapping[str, str], count: int = 3
) -> Iterator[list[Node]]:
    """A cluster of ``count`` nodes that runs until the end of the block; each may become the master.

    Args:
        folder: for a folder of each node.
        settings: of every node.

    Raises:
        EngineError: a node doesn't start; the message says why.
    """
    names = [f"node-{number}" for number in range(count)]
    ports = [str(free_port()) for _ in names]
    together = {
        "discovery.type": "multi-node",
        "discovery.seed_hosts": f"[{', '.join(f'127.0.0.1:{port}' for port in ports)}]",
        "cluster.initial_master_nodes": f"[{', '.join(names)}]",
    }
    with ExitStack() as running:
        nodes = []
        for name, port in zip(names, ports, strict=True):
            own = {"node.name": name, "transport.port": port}
            nodes.append(Node(home, folder / name, {**together, **own, **settings}))
            running.callback(nodes[-1].stop)
            nodes[-1].start()
        for node in nodes:
            node.wait_until_ready(count)
        yield nodes


def stop(process: subprocess.Popen[bytes]) -> None:
    """Asks a process to end, and waits; kills its process group after ``STOP_TIMEOUT`` seconds."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def require_free(port: int, what: str) -> None:
    """
    Raises:
        EngineError: another process listens on the port; its answers would be taken for those of ``what``.
    """
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise EngineError(f"port {port} is in use: stop what listens there, or give {what} another port")


def free_port() -> int:
    """A TCP port of loopback on which no process listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _configure(
    home: Path, folder: Path, settings: Mapping[str, str], port: int, security: Security | None
) -> None:
    own_folder(folder)
    config = folder / "config"
    shutil.rmtree(config, ignore_errors=True)
    for name in FOLDERS:
        private_folder(folder / name)
    shutil.copytree(home / "config", config, dirs_exist_ok=True)
    close(config)
    (config / "jvm.options.d").mkdir(exist_ok=True)
    # These options write next to the home, which several nodes share.
    options = (home / "config" / "jvm.options").read_text()
    (config / "jvm.options").write_text(re.sub(r"(?m)^.*(-Xlog|HeapDump|ErrorFile).*\n", "", options))
    lines = {
        "cluster.name": "ingest-face",
        "discovery.type": "single-node",
        "http.host": "127.0.0.1",
        "http.port": str(port),
        "transport.host": "127.0.0.1",
        "transport.port": str(free_port()),
        "path.data": str(folder / "data"),
        "path.logs": str(folder / "logs"),
        **(_SECURE if security else {"xpack.security.enabled": "false"}),
        # Laptops' disks are often fuller than the threshold for servers.
        "cluster.routing.allocation.disk.threshold_enabled": "false",
        **settings,
    }
    (config / "elasticsearch.yml").write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))
    for name, text in security.files.items() if security else ():
        (config / name).write_text(text)


def _environment(folder: Path, heap: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(folder / "tmp"),
        "ES_JAVA_HOME": _java_home(),
        "ES_PATH_CONF": str(folder / "config"),
        "ES_TMPDIR": str(folder / "tmp"),
        "ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap}",
        "CLI_JAVA_OPTS": "-Xmx64m",
    }


def _java_home() -> str:
    """The JDK's folder as ``java`` itself reports it: the one on PATH is often a link or a stub."""
    java = shutil.which("java", path=f"{os.environ.get('JAVA_HOME', '')}/bin:{os.environ.get('PATH', '')}")
    if java is None:
        raise EngineError(
            "Java isn't installed: `apt-get install openjdk-17-jdk-headless` or `brew install openjdk@17`"
        )
    result = subprocess.run(
        [java, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"java\.home = (.+)", result.stderr + result.stdout)
    if found is None:
        raise EngineError(f"`{java} -XshowSettings:properties` prints no java.home:\n{result.stderr[-500:]}")
    return found.group(1).strip()


def _runner(folder: Path, *names: str) -> dict[str, Any]:
    """Who runs Elasticsearch; to that user alone the folders ``names`` are open from now on.

    Elasticsearch refuses to run as root: then `nobody` runs it, and owns these folders.
    """
    nobody = pwd.getpwnam("nobody") if os.geteuid() == 0 else None
    for name in names:
        close(folder / name, (nobody.pw_uid, nobody.pw_gid) if nobody else None)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []} if nobody else {}
