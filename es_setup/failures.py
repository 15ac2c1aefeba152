"""Why a server can't be reached or refuses, in words, whichever HTTP client was refused."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from elasticsearch import ApiError

REASONS = (
    (r"hostname mismatch|doesn't match|not valid for", "its certificate is for another name"),
    (r"certificate.verify.failed|sslcertverification", "its certificate isn't trusted: name its authority"),
    (r"wrong.version.number|record layer failure", "it doesn't speak TLS: try http://"),
    (r"\bssl|tls", "TLS failed"),
    (r"gaierror|nameresolution|failed to resolve", "there is no such host"),
    (r"connection ?refused", "connection refused"),
    (r"timeout|timed out", "no answer in time"),
    (r"connection|protocolerror", "it breaks the connection: if it speaks TLS, try https://"),
)
"""What the classes and messages of an error and its causes say -> our words. The first that fits."""

WITHOUT_REASON = "all shards failed"
"""What a failed search says where its root causes alone say why."""

PRODUCT = "x-elastic-product"
"""The header by which Elasticsearch names itself in each answer."""


def reason(error: BaseException) -> str:
    """Why ``error`` was raised by a request, with the remedy where there is one."""
    said = " ".join(f"{type(cause).__name__} {cause}" for cause in _causes(error))
    fits = (words for pattern, words in REASONS if re.search(pattern, said, re.IGNORECASE))
    return next(fits, type(error).__name__)


def innermost(error: Any) -> str:
    """Elasticsearch's most specific reason for an error, such as that of one document of a bulk or of one of
    several searches."""
    return (told_by(error) if isinstance(error, dict) else None) or str(error)


def told_by(error: dict[str, Any]) -> str | None:
    """As `innermost`; None if the error has no reason."""
    cause = error
    while isinstance(cause.get("caused_by"), dict):
        cause = cause["caused_by"]
    found = cause.get("reason")
    if found in (None, WITHOUT_REASON):
        found = (error.get("root_cause") or [cause])[0].get("reason") or found
    return None if found is None else str(found)


def is_elasticsearch(error: ApiError) -> bool:
    """Whether an error comes from Elasticsearch, or else from a proxy or another server.

    Elasticsearch names itself in a header, which some of its errors lack, such as a master's that a mapping
    is blocked; those are known by their form.
    """
    body = error.body if isinstance(error.body, dict) else {}
    told = body.get("error")
    has_form = isinstance(told, dict) and {"type", "root_cause"} <= told.keys() and "status" in body
    return has_form or error.meta.headers.get(PRODUCT) == "Elasticsearch"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """The error and all that led to it: as causes, or, as these clients do, as arguments."""
    waiting: list[object] = [error]
    seen: set[int] = set()
    while waiting:
        found = waiting.pop(0)
        if isinstance(found, BaseException) and id(found) not in seen:
            seen.add(id(found))
            yield found
            inner = (found.__cause__, found.__context__, getattr(found, "reason", None), *found.args)
            waiting += [*inner, *getattr(found, "errors", ())]
