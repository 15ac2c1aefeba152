"""How many photos of an index could be compared in part only."""

from __future__ import annotations

from elasticsearch import Elasticsearch

from faces.copies.fingerprints import with_fingerprint
from faces.pages import count_of
from faces.photo_hashes import hash_fields
from faces.searchable import Searchable


def without_fingerprint(es: Elasticsearch, where: Searchable) -> int:
    """Photos that were read, and whose fingerprint isn't stored."""
    here = {"terms": {"_index": sorted(where.recorded)}}
    read = {"bool": {"should": [{"exists": {"field": name}} for name in hash_fields(where)]}}
    query = {"bool": {"filter": [here, read], "must_not": [with_fingerprint(where)]}}
    return count_of(es, where.name, query)


def of_other_models(es: Elasticsearch, where: Searchable, model: str) -> int:
    """Photos with faces, none of which compares with those of ``model``."""
    each = [
        {"bool": {"filter": [field.with_faces], "must_not": [{"term": {field.at("model.id"): model}}]}}
        for field in where.fields
    ]
    return count_of(es, where.name, {"bool": {"should": each}})
