"""To be reviewed: possible matches that no person has confirmed (`label`) or rejected (`not`), of faces that
somebody wants to see (not `ignored`)."""

from __future__ import annotations

from typing import Any

from ingest_service.verdicts import Thresholds
from kibana.objects import kql

NAMED: dict[str, Any] = {"exists": {"field": "faces.label.name"}}
IGNORED: dict[str, Any] = {"term": {"faces.ignored": True}}
NAMELESS: dict[str, Any] = {"bool": {"must_not": [NAMED, IGNORED]}}
"""A query on the nested faces: who is it?"""


def faces(thresholds: Thresholds) -> dict[str, Any]:
    """A query on the nested faces."""
    between = {"gte": thresholds.possible, "lt": thresholds.strong}
    # Probes of an older release have only the similarity of their match.
    without = {
        "must_not": {"exists": {"field": "faces.best_similarity"}},
        "filter": {"range": {"faces.match.similarity": between}},
    }
    near = [{"range": {"faces.best_similarity": between}}, {"bool": without}]
    decided = [NAMED, {"exists": {"field": "faces.not"}}, IGNORED]
    return {"bool": {"filter": {"bool": {"should": near}}, "must_not": decided}}


def photos(thresholds: Thresholds) -> kql.Kql:
    """Photos whose best candidate is possible, and not strong, with a face that nobody has decided about.

    Photos of an older release don't say how many such faces they have.
    """
    possible = kql.between("best_similarity", thresholds.possible, thresholds.strong)
    return kql.both(possible, kql.without(kql.equals("undecided_faces", "0")))
