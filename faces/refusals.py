"""Refusals that trying again doesn't change: the service has another model, another key, or isn't one."""

from __future__ import annotations

import base64
import io
import re
from typing import Any

from elasticsearch import ApiError, Elasticsearch
from PIL import Image

from es_setup.connection import innermost_reason
from faces.searchable import NoFaces, Searchable, searchable
from ingest_service.errors import UserError

LASTING = re.compile(
    r"endpoint \[[^\]]*\] (?:is not configured"
    r"|cannot be used: (?!this node is shutting down)"
    r"|cannot answer: (?:TLS with |\[[^\]]*\] answered with status \[(?:400|401|403|404|405|409)\]))"
)
"""How the plugin's reasons begin (``EndpointFault``) where a retry doesn't help."""


class ServiceUnfit(UserError):
    """The inference service can't answer this index's pipeline as both are now; the message says why."""


def is_lasting(reason: str) -> bool:
    """Whether Elasticsearch's reason for a 429 will be the same until somebody changes a setting."""
    return bool(LASTING.search(reason))


def require_fit_service(es: Elasticsearch, index: str) -> None:
    """Asks Elasticsearch, by a search with a picture of one pixel, whether its service can answer for an
    index. An index that doesn't exist yet, or has no vectors to search, isn't asked about.

    Raises:
        ServiceUnfit: it never will as it is set up now. A service that is busy or down isn't unfit.
        MixedModels: the index holds vectors of several models.
    """
    try:
        where = searchable(es, index)
        es.search(index=index, size=0, query=_probe(where, where.model(es)))
    except NoFaces:
        return
    except ApiError as error:
        # One pixel has no face, and the user may have no right to search: both say nothing of the service.
        if is_lasting(reason := innermost_reason(error)):
            raise ServiceUnfit(reason) from None


def _probe(where: Searchable, model: str | None) -> dict[str, Any]:
    field = where.fields[0]
    face = {"image": _pixel()} | ({"model": model} if model else {})
    builder = {"query_vector_builder": {"face": face}}
    knn: dict[str, Any] = {"knn": {"field": field.vector, "k": 1, "num_candidates": 1, **builder}}
    if field.nested:
        knn = {"nested": {"path": field.at("faces"), "ignore_unmapped": True, "query": knn}}
    return {"bool": {"filter": [{"terms": {"_index": list(field.indices)}}, knn]}}


def _pixel() -> str:
    buffer = io.BytesIO()
    Image.new("RGB", (1, 1)).save(buffer, "PNG")
    return base64.b64encode(buffer.getvalue()).decode("ascii")
