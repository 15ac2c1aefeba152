"""Groups of the album's faces, as tests read them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable

import pytest
from elasticsearch import Elasticsearch

Groups = dict[str, set[tuple[str, int]]]
"""Group -> its faces: the document's id, and the face's position."""


@pytest.fixture
def groups(es: Elasticsearch) -> Callable[..., Groups]:
    """Reads what is stored in an index."""

    def read(index: str = "faces", of: Elasticsearch = es) -> Groups:
        of.indices.refresh(index=index)
        hits = of.search(index=index, size=1000, source=["faces.id", "faces.group"])["hits"]["hits"]
        found: Groups = defaultdict(set)
        for hit in hits:
            for position, face in enumerate(hit["_source"].get("faces", [])):
                if "group" in face:
                    found[face["group"]].add((hit["_id"], position))
        return dict(found)

    return read


def documents(groups: Groups) -> list[list[str]]:
    """The documents of each group, sorted."""
    return sorted(sorted(key for key, _ in group) for group in groups.values())


ALL = [
    ["ann-0", "ann-1", "ann-2", "team"],
    ["ben-0", "ben-1", "team"],
    ["cara-0", "cara-1", "cara-2", "team"],
]
"""The album's groups. No other face is as much like that of ben-2 as a possible match."""
