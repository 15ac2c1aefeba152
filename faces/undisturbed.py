"""Searches that go on while `faces reembed` puts other indices in the place of those behind a name.

The names lead to the new indices in one step, and a moment later Elasticsearch asks the service of their
model. A search that falls in between is asked again.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import TypeVar

from elasticsearch import ApiError, Elasticsearch

from es_setup.connection import innermost_reason
from es_setup.other_models import OtherModel
from faces.searchable import Searchable, searchable

BEFORE = "reembedded_from"
"""In our part of an index's ``_meta``: the index whose place it took."""
TRIES = 7
FIRST_WAIT = 0.05
"""Seconds before the second try; then twice as long each time: 3 s in all."""
OTHER_DIMS = re.compile(r"query vector has a different (?:number of )?dimensions?")
"""Elasticsearch's reason where a vector of one model meets an index of another."""

T = TypeVar("T")


def undisturbed(es: Elasticsearch, name: str, ask: Callable[[Searchable], T]) -> T:
    """What ``ask`` returns about the indices behind ``name``; asked again if they were exchanged meanwhile.

    Raises: whatever ``ask`` raises where nothing was exchanged, or still does.
    """
    for attempt in range(TRIES - 1):
        where = searchable(es, name)
        try:
            answer = ask(where)
        except (OtherModel, ApiError) as error:
            if not (_is_passing(error) and _was_exchanged(es, where)):
                raise
        else:
            if searchable(es, name).recorded.keys() == where.recorded.keys():
                return answer
        time.sleep(FIRST_WAIT * 2**attempt)
    return ask(searchable(es, name))


def _is_passing(error: OtherModel | ApiError) -> bool:
    """Whether two models have met."""
    return isinstance(error, OtherModel) or bool(OTHER_DIMS.search(innermost_reason(error)))


def _was_exchanged(es: Elasticsearch, where: Searchable) -> bool:
    now = searchable(es, where.name).recorded
    return now.keys() != where.recorded.keys() or any(BEFORE in facts for facts in now.values())
