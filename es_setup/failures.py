"""Why a server can't be reached, in words, whichever HTTP client was refused."""

from __future__ import annotations

import re
from collections.abc import Iterator

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


def reason(error: BaseException) -> str:
    """Why ``error`` was raised by a request, with the remedy where there is one."""
    said = " ".join(f"{type(cause).__name__} {cause}" for cause in _causes(error))
    fits = (words for pattern, words in REASONS if re.search(pattern, said, re.IGNORECASE))
    return next(fits, type(error).__name__)


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
