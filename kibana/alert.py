"""The alert rule for matches with the watch list: every minute, from `face-probes` to `face-alerts`.

It is an Elasticsearch query rule with an index connector, both in the Basic licence. It writes no photos
and no vectors.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import UUID, uuid5

from kibana.boards import PROBES
from kibana.client import Kibana
from kibana.server import DEFAULT_SPACE, KibanaError, KibanaRefused

HERE = Path(__file__).parent / "alerts"
NAMESPACE = UUID("7a1f7f0c-52f5-4e36-9d4d-6b8f6b0c4e51")

ONLY_ON_CREATION = ("rule_type_id", "consumer", "enabled", "connector_type_id")
"""Fields that Kibana refuses in an update."""


def install(kibana: Kibana, overwrite: bool) -> Iterator[tuple[str, str]]:
    """Creates the connector and the rule; with ``overwrite`` updates existing ones.

    Yields:
        (name, outcome) of each, as soon as it is done.

    Raises:
        KibanaError: Kibana refused.
    """
    ids = {kind: _id(kind, kibana.space) for kind in ("connector", "rule")}
    for kind, api in (("connector", "actions"), ("rule", "alerting")):
        body = _body(kind, kibana.space, ids["connector"])
        update = {name: value for name, value in body.items() if name not in ONLY_ON_CREATION}
        try:
            made = kibana.put_if_absent(f"/api/{api}/{kind}/{ids[kind]}", body, update if overwrite else None)
        except KibanaRefused as error:
            if error.status != 500:
                raise
            raise KibanaError(
                f"{error}; rules and connectors need `xpack.encryptedSavedObjects.encryptionKey` in "
                "kibana.yml, at least 32 characters"
            ) from None
        yield f"{kind} {body['name']}", "made" if made else "replaced" if overwrite else "exists"


def _id(kind: str, space: str) -> str:
    """A UUID, which every version of Kibana accepts; Kibana requires a different one in each space."""
    return str(uuid5(NAMESPACE, f"{kind}/{space}"))


def _body(kind: str, space: str, connector: str) -> dict[str, Any]:
    text = (HERE / f"{kind}.json").read_text(encoding="utf-8")
    values = {
        "connector": connector,
        "space": "" if space == DEFAULT_SPACE else f"/s/{space}",
        "board": PROBES,
    }
    for name, value in values.items():
        text = text.replace(f"${{{name}}}", value)
    body: dict[str, Any] = json.loads(text)
    return body
