"""Puts the JSON files of this folder into Elasticsearch: what a person would PUT by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from elasticsearch import Elasticsearch

HERE = Path(__file__).parent
ALIAS = "faces"
KINDS = (
    # (folder, what the API calls it), in the order in which each may name the one before
    ("pipelines", "_ingest/pipeline"),
    ("component_templates", "_component_template"),
    ("index_templates", "_index_template"),
)


class InstallError(Exception):
    """The cluster isn't ready for the templates; the message says what to do."""


@dataclass(frozen=True)
class Request:
    """One PUT: ``path`` as in Dev Tools, ``body`` as in its file."""

    path: str
    body: dict[str, Any]


def requests(model: str | None = None) -> list[Request]:
    """Every pipeline and template, in order. ``model`` replaces the model id that the pipelines pin."""
    found = []
    for folder, api in KINDS:
        for file in sorted((HERE / folder).glob("*.json")):
            body = json.loads(file.read_text())
            if model:
                for processor in body.get("processors", []):
                    processor["face"]["model"] = model
            found.append(Request(f"/{api}/{file.stem}", body))
    return found


def install(es: Elasticsearch, model: str | None = None) -> Iterator[tuple[str, str]]:
    """PUTs everything, and creates the first index with its write alias if there is none yet.

    Yields (what, outcome) as it goes; a second run changes nothing.

    Raises:
        InstallError: no node has the plugin, or an index has the alias's name.
    """
    if not has_plugin(es):
        raise InstallError(
            "Elasticsearch lacks the plugin [ingest-face]: install it on every node with "
            "`bin/elasticsearch-plugin install file:///path/to/ingest-face.zip` and restart them"
        )
    for request in requests(model):
        es.perform_request("PUT", request.path, headers=_JSON, body=request.body)
        yield f"PUT {request.path}", "ok"
    for file in sorted((HERE / "indices").glob("*.json")):
        yield f"PUT /{file.stem}", _create_index(es, file)


def missing(es: Elasticsearch) -> list[str]:
    """What ``install`` would put that isn't there, as paths; none when all is well."""
    asking = es.options(ignore_status=404)
    absent = []
    for request in requests():
        if asking.perform_request("GET", request.path, headers=_JSON).meta.status != 200:
            absent.append(request.path)
    if not es.indices.exists_alias(name=ALIAS):
        return [*absent, f"/{ALIAS}"]
    for index, found in es.indices.get_settings(index=ALIAS).items():
        if found["settings"]["index"].get("default_pipeline") is None:
            absent.append(f"/{index}/_settings (index.default_pipeline)")
    return absent


def has_plugin(es: Elasticsearch) -> bool:
    """Whether every node has the plugin, that is its processor."""
    nodes = es.nodes.info(metric="ingest")["nodes"].values()
    return all({"type": "face"} in node["ingest"]["processors"] for node in nodes)


def _create_index(es: Elasticsearch, file: Path) -> str:
    body = json.loads(file.read_text())
    if es.indices.exists_alias(name=ALIAS):
        return "exists"
    if es.indices.exists(index=ALIAS):
        raise InstallError(
            f"an index has the name [{ALIAS}], which must be an alias (was a document indexed before "
            f"`faces install`?): delete it, or reindex it into [{file.stem}] and delete it"
        )
    es.indices.create(index=file.stem, aliases=body["aliases"])
    return "created"


_JSON = {"accept": "application/json", "content-type": "application/json"}
