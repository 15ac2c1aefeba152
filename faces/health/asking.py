"""Questions to Elasticsearch, none of which waits for long; what isn't answered is noted."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from elasticsearch import ApiError, AuthenticationException, Elasticsearch, UnsupportedProductError

from es_setup.connection import innermost_reason
from es_setup.failures import is_elasticsearch
from ingest_service.errors import UserError

TIMEOUT = 10
"""Seconds until a question counts as not answered."""
GRANTED = re.compile(r"granted by the (cluster|index) privileges \[([^\],]+)")
"""How Elasticsearch says which privilege a user lacks: the first is the least."""

Answer = TypeVar("Answer")


@dataclass(frozen=True)
class Unseen:
    """Something that couldn't be looked at. privilege: the one that this user lacks, if that is why."""

    what: str
    why: str
    privilege: str | None

    def as_json(self) -> dict[str, str | None]:
        return {"what": self.what, "why": self.why, "privilege": self.privilege}


class Asking:
    """Asks, and goes on where a right is missing.

    Attributes:
        es: a client whose requests end after `TIMEOUT` seconds and aren't repeated.
        unseen: what wasn't answered so far.
    """

    def __init__(self, es: Elasticsearch) -> None:
        self.es = es.options(request_timeout=TIMEOUT, max_retries=0, retry_on_timeout=False)
        self.unseen: list[Unseen] = []

    def ask(self, what: str, question: Callable[[Elasticsearch], Answer], otherwise: Answer) -> Answer:
        """The answer; ``otherwise``, if Elasticsearch refuses to say.

        Args:
            what: is asked about, for `unseen`.

        Raises:
            AuthenticationException, TransportError, UnsupportedProductError: nothing else would be answered
                either.
        """
        try:
            return question(self.es)
        except (AuthenticationException, UnsupportedProductError):
            raise
        except ApiError as error:
            if not is_elasticsearch(error):
                raise
            reason = innermost_reason(error)
            # A HEAD request gets no reason.
            why = "this user may not (403)" if error.status_code == 403 and not error.body else reason
            self.unseen.append(Unseen(what, why, _privilege(error, reason)))
        except UserError as error:
            self.unseen.append(Unseen(what, str(error), None))
        return otherwise


def _privilege(error: ApiError, reason: str) -> str | None:
    """Such as ``cluster privilege [monitor]``."""
    found = GRANTED.search(reason) if error.status_code == 403 else None
    return f"{found[1]} privilege [{found[2]}]" if found else None
