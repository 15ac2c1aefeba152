"""A real Elasticsearch for this machine: brought from Maven Central, given the plugin, started, stopped.

For demos, tests and trying out; a cluster of one's own gets the plugin by ``elasticsearch-plugin install``.
"""

from __future__ import annotations

import hashlib
import os
import pwd
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

import requests

VERSION = "8.19.21"
DISTRIBUTION = f"org.elasticsearch.distribution.integ-test-zip:elasticsearch:{VERSION}:zip"
DISTRIBUTION_SHA256 = "215d5f3dbf0609a149f6218a9e47b6ae2df34ebbff3c5754e35f15a5e5393c8a"
DEPENDENCY_PLUGIN = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1"
PLUGIN_SOURCES = Path(__file__).parent / "plugin"
START_TIMEOUT = 180
STOP_TIMEOUT = 60
_SECURE: Mapping[str, str] = MappingProxyType(
    {
        "xpack.security.enabled": "true",
        "xpack.security.authc.realms.file.file.order": "0",
        "xpack.security.http.ssl.enabled": "true",
        "xpack.security.http.ssl.certificate": "http.crt",
        "xpack.security.http.ssl.key": "http.key",
        # Between nodes of one machine: never leaves loopback.
        "xpack.security.transport.ssl.enabled": "false",
    }
)


class EngineError(Exception):
    """Elasticsearch can't be brought, built or started; the message says what to do."""


@dataclass(frozen=True)
class Security:
    """Who may use a node, over TLS, and as whom it is asked whether it is up.

    Attributes:
        files: what lies in the configuration folder besides Elasticsearch's own: ``users``, ``roles.yml``,
            certificates and their keys (name -> text).
        keystore: secure settings that the node starts with.
        certificate_authority: a PEM file; the HTTP certificate among ``files`` is of it.
    """

    user: str
    password: str = field(repr=False)
    certificate_authority: Path
    files: Mapping[str, str] = field(repr=False)
    keystore: Mapping[str, str] = field(default_factory=dict, repr=False)


def prepare(cache: Path, say: Callable[[str], None] = print) -> Path:
    """The home folder of Elasticsearch with the plugin, in ``cache``; whatever is there is reused.

    A home belongs to one build of the plugin, so that nodes of another build may run beside it. The
    distribution's files are linked into it, not copied.

    Raises:
        EngineError: Maven, a download or the plugin's build failed.
    """
    plugin = _build_plugin(say)
    home = cache / "engine" / f"elasticsearch-{VERSION}-{_digest(plugin)[:12]}"
    if home.is_dir():
        say(f"Elasticsearch {VERSION} with this plugin: reusing {home}")
        return home
    distribution = _distribution(cache, say)
    scratch = Path(tempfile.mkdtemp(prefix=".home-", dir=home.parent))
    try:
        shutil.copytree(distribution, scratch / "home", copy_function=os.link, symlinks=True)
        with zipfile.ZipFile(plugin) as archive:
            archive.extractall(scratch / "home" / "plugins" / "ingest-face")
        _make_readable(scratch / "home")
        (scratch / "home").replace(home)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    say(f"Elasticsearch {VERSION}: plugin ingest-face installed")
    return home


def _build_plugin(say: Callable[[str], None]) -> Path:
    """The plugin's zip, built by Maven when a source is newer. Its bytes depend on its sources alone."""
    target = PLUGIN_SOURCES / "target"
    sources = [
        path for path in [PLUGIN_SOURCES / "pom.xml", *(PLUGIN_SOURCES / "src").rglob("*")] if path.is_file()
    ]
    newest = max(path.stat().st_mtime for path in sources)
    zips = [path for path in target.glob("ingest-face-*.zip") if path.stat().st_mtime > newest]
    if zips:
        say(f"plugin: reusing {zips[0].name}")
        return zips[0]
    say("plugin: building with Maven (the first time it brings Elasticsearch's libraries)")
    _maven("-f", str(PLUGIN_SOURCES / "pom.xml"), "package", "-DskipTests")
    return next(target.glob("ingest-face-*.zip"))


def _distribution(cache: Path, say: Callable[[str], None]) -> Path:
    """The unpacked distribution."""
    folder = cache / "engine" / f"elasticsearch-{VERSION}"
    if folder.is_dir():
        return folder
    folder.parent.mkdir(parents=True, exist_ok=True)
    say(f"Elasticsearch {VERSION}: downloading from Maven Central (107 MB)")
    scratch = Path(tempfile.mkdtemp(prefix=".distribution-", dir=folder.parent))
    try:
        _maven(f"{DEPENDENCY_PLUGIN}:copy", f"-Dartifact={DISTRIBUTION}", f"-DoutputDirectory={scratch}")
        archive = next(scratch.glob("*.zip"))
        if _digest(archive) != DISTRIBUTION_SHA256:
            raise EngineError(
                f"{archive.name} from Maven has the wrong digest: delete it from ~/.m2 and try again"
            )
        # zipfile forgets which files are executable.
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


def _maven(*arguments: str) -> None:
    if shutil.which("mvn") is None:
        raise EngineError("Maven isn't installed: `apt-get install maven` or `brew install maven`")
    command = ["mvn", "-q", "-B", "-ntp", "--strict-checksums", *arguments]
    result = subprocess.run(command, capture_output=True, text=True, timeout=1200, check=False)
    if result.returncode != 0:
        raise EngineError(f"`{' '.join(command[:6])} …` failed:\n{(result.stdout + result.stderr)[-3000:]}")


class Node:
    """A node on loopback, which may be stopped, killed and started again; its data and configuration stay.

    Args:
        home: from ``prepare``.
        folder: for configuration, data and logs; what lies in ``folder/data`` is kept.
        settings: more lines for ``elasticsearch.yml``.
        port: for HTTP; a free one by default.
        security: nobody is kept out by default.

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
        """Of the process that leads the node's group."""
        assert self._process is not None, "the node has not been started"
        return self._process.pid

    @property
    def has_ended(self) -> bool:
        return self._process is not None and self._process.poll() is not None

    def start(self) -> None:
        with self.log.open("a") as console:
            self._process = subprocess.Popen(
                [str(self._home / "bin" / "elasticsearch")],
                stdin=subprocess.DEVNULL,
                stdout=console,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
                env=_environment(self.folder, self._heap),
                # A terminal's Ctrl-C is for us: we stop the node when our own work is wound up.
                start_new_session=True,
                **_as_nobody(self.folder),
            )

    def wait_until_ready(self, nodes: int = 1) -> None:
        """
        Args:
            nodes: how many nodes the cluster has then.

        Raises:
            EngineError: it isn't ready in time, or has ended.
        """
        assert self._process is not None, "the node has not been started"
        access = self._security
        query = f"wait_for_status=yellow&wait_for_nodes=>={nodes}&timeout=5s"
        deadline = time.monotonic() + START_TIMEOUT
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise EngineError(f"Elasticsearch ended at its start:\n{self.log.read_text()[-3000:]}")
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
        """As a machine that loses its power: nothing is wound up."""
        os.killpg(self.pid, signal.SIGKILL)
        self.stop()

    def store_secret(self, name: str, value: str) -> None:
        """Puts a secure setting into the keystore, for the next start or ``_nodes/reload_secure_settings``.

        Raises:
            EngineError: it can't be stored.
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
            **_as_nobody(self.folder),
        )
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
    """Starts a node and stops it at the end, whatever happens in between. Arguments: see ``Node``.

    Raises:
        EngineError: it doesn't start, and why.
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
    """Starts several nodes as one cluster; each may become the master. Stops them at the end.

    Args:
        folder: every node gets a folder of its own in it.
        settings: of every node.

    Raises:
        EngineError: one doesn't start, and why.
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
    """Asks a process and its children to end, and waits; kills them if they don't."""
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def require_free(port: int, what: str) -> None:
    """
    Raises:
        EngineError: somebody listens on the port: its answers would be taken for those of ``what``.
    """
    with socket.socket() as probe:
        probe.settimeout(2)
        if probe.connect_ex(("127.0.0.1", port)) == 0:
            raise EngineError(f"port {port} is in use: stop what listens there, or give {what} another port")


def free_port() -> int:
    """A TCP port of loopback that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _configure(
    home: Path, folder: Path, settings: Mapping[str, str], port: int, security: Security | None
) -> None:
    for name in ("data", "logs", "tmp"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    config = folder / "config"
    shutil.rmtree(config, ignore_errors=True)
    shutil.copytree(home / "config", config)
    (config / "jvm.options.d").mkdir(exist_ok=True)
    # These would write beside the home, which is shared and not ours to write to.
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
        # A laptop's disk is often fuller than a server's may be.
        "cluster.routing.allocation.disk.threshold_enabled": "false",
        **settings,
    }
    (config / "elasticsearch.yml").write_text("".join(f"{key}: {value}\n" for key, value in lines.items()))
    for name, text in security.files.items() if security else ():
        (config / name).write_text(text)


def _environment(folder: Path, heap: str) -> dict[str, str]:
    return {
        "PATH": os.environ.get("PATH", "/usr/bin:/bin"),
        "HOME": str(folder),
        "ES_JAVA_HOME": _java_home(),
        "ES_PATH_CONF": str(folder / "config"),
        "ES_TMPDIR": str(folder / "tmp"),
        "ES_JAVA_OPTS": f"-Xms{heap} -Xmx{heap}",
        "CLI_JAVA_OPTS": "-Xmx64m",
    }


def _java_home() -> str:
    """Where the JDK is: what ``java`` itself says, since its place on PATH is often a link or a stub."""
    java = shutil.which("java", path=f"{os.environ.get('JAVA_HOME', '')}/bin:{os.environ.get('PATH', '')}")
    if java is None:
        raise EngineError(
            "Java isn't installed: `apt-get install openjdk-17-jdk-headless` or `brew install openjdk@17`"
        )
    said = subprocess.run(
        [java, "-XshowSettings:properties", "-version"], capture_output=True, text=True, check=False
    )
    found = re.search(r"java\.home = (.+)", said.stderr + said.stdout)
    if found is None:
        raise EngineError(f"{java} doesn't say where its home is:\n{said.stderr[-500:]}")
    return found.group(1).strip()


def _as_nobody(folder: Path) -> dict[str, Any]:
    """Elasticsearch refuses to run as root: then it runs as `nobody`, who gets the folder."""
    if os.geteuid() != 0:
        return {}
    nobody = pwd.getpwnam("nobody")
    for path in [folder, *folder.rglob("*")]:
        os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
    return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}


def _make_readable(folder: Path) -> None:
    """For the user that runs Elasticsearch: what root unpacks is closed to others."""
    for path in [folder, *folder.rglob("*")]:
        mode = path.stat().st_mode & 0o777
        path.chmod(mode | (0o555 if path.is_dir() or mode & 0o100 else 0o444))


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
