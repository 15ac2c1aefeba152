"""What tests of commands on the real servers share, in whichever folder they are."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from functools import partial

import pytest
from elasticsearch import Elasticsearch
from tools import CALIBRATION, Vector, encoded
from typer.testing import CliRunner

from es_setup.connection import Connection
from faces.cli import app
from faces.local_stack import LocalStack

OUTCOMES = ("new", "unchanged", "moved", "copies", "replaced", "skipped", "failed")


@pytest.fixture
def own_index(es: Elasticsearch) -> Iterator[Callable[..., str]]:
    """Creates indices; at the end they are deleted, with the pipelines attached to them."""
    names: list[str] = []

    def make(name: str, **body: object) -> str:
        names.append(name)
        es.indices.create(index=name, **body)
        return name

    yield make
    for name in names:
        es.options(ignore_status=404).indices.delete(index=name)
        for attached in (f"faces-{name}", f"face-check-{name}"):
            es.options(ignore_status=404).ingest.delete_pipeline(id=attached)


@pytest.fixture
def calibrate(es: Elasticsearch, running: LocalStack) -> Iterator[Callable[..., None]]:
    """Writes a calibration into the `_meta` of one index; at the end the previous `_meta` is back."""
    before: dict[str, dict] = {}

    def write(index: str, threshold: float, **changes: object) -> None:
        (found,) = es.indices.get_mapping(index=index).values()
        before.setdefault(index, found["mappings"].get("_meta", {}))
        calibration = CALIBRATION | {"model": running.model, "similarity": threshold} | changes
        recorded = before[index].get("ingest_face", {})
        ours = recorded | {"model": running.model, "calibration": calibration}
        es.indices.put_mapping(index=index, meta={"ingest_face": ours})

    yield write
    for index, meta in before.items():
        es.options(ignore_status=404).indices.put_mapping(index=index, meta=meta)


@pytest.fixture
def whole(es: Elasticsearch, version: str) -> Callable[[str, str], dict]:
    """Reads a document's source with its vectors, which Elasticsearch 9 leaves out by default."""
    parameter = "" if version.startswith("8.") else "?_source_exclude_vectors=false"

    def read(index: str, key: str) -> dict:
        answer = es.perform_request(
            "GET", f"/{index}/_doc/{key}{parameter}", headers={"accept": "application/json"}
        )
        source = answer.body["_source"]
        faces = source.get("faces") or []
        for holder in [source, *(faces if isinstance(faces, list) else [faces])]:
            if "vector" in holder:
                holder["vector"] = Vector(holder["vector"])
        return source

    return read


@pytest.fixture(scope="session")
def good(portrait) -> dict:
    """A document whose photo has one face."""
    return {"image": encoded(portrait), "file": {"path": "good.jpg"}}


@pytest.fixture
def run(running: LocalStack) -> Callable[..., tuple[int, str, str]]:
    """Runs `faces ...` against the running stack; returns exit status, standard output and error."""

    def invoke(*arguments: object, stdin: str | None = None, **environment: str) -> tuple[int, str, str]:
        connection = running.connection
        variables = {"ES_URL": connection.es_url, "FACES_URL": connection.faces_url} | environment
        words = [str(argument) for argument in arguments]
        result = CliRunner().invoke(app, words, env=variables, input=stdin)
        assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
        return result.exit_code, result.stdout, result.stderr

    return invoke


@pytest.fixture
def attach(run: Callable[..., tuple[int, str, str]]) -> Callable[..., tuple[int, str, str]]:
    """Runs `faces attach INDEX ...`, as `run`."""
    return partial(run, "attach")


@pytest.fixture
def counted(run) -> Callable[..., dict[str, int]]:
    """Runs `faces index ... --json`; returns the outcomes that occurred."""

    def index(*arguments: object, status: int = 0) -> dict[str, int]:
        ended, out, err = run("index", *arguments, "--json")
        assert ended == status, err
        return {name: count for name, count in json.loads(out).items() if name in OUTCOMES and count}

    return index


def at_once(connection: Connection, *commands: Sequence[object]) -> list[tuple[int, str, str]]:
    """Runs `faces ...` in processes that are started together; returns each one's exit status, standard
    output and error."""
    processes = [
        subprocess.Popen(
            [sys.executable, "-m", "faces", *map(str, words)],
            env=os.environ | {"ES_URL": connection.es_url, "FACES_URL": connection.faces_url},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for words in commands
    ]
    found = []
    for process in processes:
        out, err = process.communicate(timeout=120)
        found.append((process.returncode, out, err))
    return found


def counts(out: str) -> dict:
    """What `--json` says was changed."""
    answer = json.loads(out)
    return {
        "faces": answer["faces"],
        "changed": sorted(one["id"] for one in answer["changed"]),
        "unchanged": answer["unchanged"],
        "failed": len(answer["failed"]) + len(answer["problems"]),
    }
