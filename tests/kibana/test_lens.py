"""Every Lens chart and every table of documents has rows over the scene, and its numbers are right."""

from __future__ import annotations

import base64
from collections import Counter
from datetime import datetime

import lens_rules
import pytest
from elasticsearch import Elasticsearch

from es_setup.shipped_files import ALIASES
from ingest_service.verdicts import UNCALIBRATED
from kibana.boards import EXPLORATION, HEALTH, PROBES, review
from kibana.boards.remedies import REMEDIES

Documents = dict[str, list[dict]]
CHARTS = {f"{one[0].id}-{one[1].id}": one for one in lens_rules.shipped("lens")}
TABLES = {f"{one[0].id}-{one[1].id}": one for one in lens_rules.shipped("search")}


@pytest.fixture(scope="module")
def documents(es: Elasticsearch, scene) -> Documents:
    """Alias -> sources of all its documents."""
    return {
        alias: [
            hit["_source"]
            for hit in es.search(index=alias, size=1000, source_excludes=["*.vector", "*.crop"])["hits"][
                "hits"
            ]
        ]
        for alias in ALIASES
    }


def charted(es: Elasticsearch, name: str) -> list[dict]:
    board, panel, view = CHARTS[name]
    body = lens_rules.chart(panel, view, lens_rules.time_range(board.id))
    return lens_rules.rows(panel, es.search(index=view.pattern, body=body).body)


@pytest.mark.parametrize("name", CHARTS)
def test_every_chart_has_rows_without_empty_cells(es, scene, name):
    found = charted(es, name)

    assert found
    assert all(value is not None for row in found for value in row.values()), found
    assert any(row["metric-0"] for row in found), "nothing but zeros"


@pytest.mark.parametrize("name", TABLES)
def test_every_table_has_documents_and_a_value_in_every_column(es, scene, name):
    board, panel, view = TABLES[name]
    body = lens_rules.table(panel, view, lens_rules.time_range(board.id))
    hits = es.search(index=view.pattern, body=body)["hits"]["hits"]

    shown = [hit["fields"] | {key: [hit[key]] for key in ("_id", "_index")} for hit in hits]
    empty = [
        column for column in panel.config["attributes"]["columns"] if not any(column in row for row in shown)
    ]
    assert shown
    assert empty == []
    thumbnails = [row["thumbnail"][0] for row in shown if "thumbnail" in row]
    assert all(base64.b64decode(picture).startswith(b"\xff\xd8") for picture in thumbnails)


def faces(documents: list[dict]) -> list[dict]:
    return [face for document in documents for face in document.get("faces", [])]


def named(face: dict) -> bool:
    return "name" in face.get("label", {})


def everywhere(documents: Documents) -> list[dict]:
    return [document for those in documents.values() for document in those]


def names(document: dict) -> set[str]:
    sent = document.get("person", {}).get("name")
    return {face["label"]["name"] for face in faces([document]) if named(face)} | ({sent} if sent else set())


def within(documents: list[dict], low: float, high: float = 2) -> int:
    """Documents whose best similarity is from ``low`` to below ``high``."""
    return sum(low <= document.get("best_similarity", -1) < high for document in documents)


def test_a_photo_leaves_the_review_when_a_person_has_decided_about_its_faces(es, scene):
    """Confirmed on one photo, rejected on another."""

    def listed() -> tuple[int, list[str], set[str]]:
        (counted,) = charted(es, f"{PROBES}-unsure")
        board, panel, view = TABLES[f"{PROBES}-review-table"]
        body = lens_rules.table(panel, view, lens_rules.time_range(board.id))
        hits = es.search(index=view.pattern, body=body)["hits"]["hits"]
        query = {"nested": {"path": "faces", "query": review.faces(UNCALIBRATED)}}
        drawn = es.search(index="face-probes", query=query, source=False, size=500)["hits"]["hits"]
        assert {hit["_id"] for hit in drawn} >= {hit["_id"] for hit in hits}
        return counted["metric-0"], [hit["_id"] for hit in hits], {hit["_id"] for hit in drawn}

    number, before, near = listed()
    assert number == len(before) >= 2
    first, second = before[:2]
    for key, decision in ((first, {"label": "Ann"}), (second, {"not": ["Ann"]})):
        found = es.get(index="face-probes", id=key)["_source"]["faces"]
        changed = [face | decision for face in found]
        es.update(index="face-probes", id=key, doc={"faces": changed}, refresh=True)
    try:
        assert listed() == (number - 2, before[2:], near - {first, second})
    finally:
        for key in (first, second):
            found = es.get(index="face-probes", id=key)["_source"]["faces"]
            plain = [
                {name: value for name, value in face.items() if name not in ("label", "not")}
                for face in found
            ]
            es.update(index="face-probes", id=key, doc={"faces": plain}, refresh=True)


@pytest.mark.parametrize(
    ("name", "counted"),
    [
        (f"{EXPLORATION}-photos", lambda found: len(found["faces"])),
        (f"{EXPLORATION}-faces", lambda found: len(faces(found["faces"]))),
        (f"{EXPLORATION}-people", lambda found: len(set().union(*map(names, found["faces"])))),
        (
            f"{EXPLORATION}-unnamed",
            lambda found: sum(not named(face) for face in faces(found["faces"])),
        ),
        (f"{PROBES}-known", lambda found: within(found["face-probes"], UNCALIBRATED.possible)),
        (
            f"{PROBES}-unsure",
            lambda found: within(found["face-probes"], UNCALIBRATED.possible, UNCALIBRATED.strong),
        ),
        (
            f"{PROBES}-watched",
            lambda found: sum(
                any("watch" in face.get("match", {}).get("tags", []) for face in faces([document]))
                for document in found["face-probes"]
            ),
        ),
        (
            f"{HEALTH}-failed",
            lambda found: sum("error" in document for document in everywhere(found)),
        ),
        (
            f"{HEALTH}-no-face",
            lambda found: sum("no_face" in document.get("tags", []) for document in everywhere(found)),
        ),
    ],
)
def test_a_number_on_a_board_is_what_one_counts_in_the_documents(es, documents, name, counted):
    assert charted(es, name) == [{"metric-0": counted(documents)}]


def test_the_heat_map_counts_photos_of_each_person_from_each_observer(es, documents):
    counted = Counter(
        (document["observer"]["name"], name)
        for document in documents["faces"]
        if "observer" in document
        for name in names(document)
    )

    found = charted(es, f"{EXPLORATION}-where")

    assert {(row["bucket-0"], row["bucket-1"]): row["metric-0"] for row in found} == counted


def test_a_photo_is_in_exactly_one_bar_of_a_distribution(es, documents):
    found = charted(es, f"{EXPLORATION}-faces-a-photo")

    counted = sum("face_count" in document for document in documents["faces"])
    assert sum(row["metric-0"] for row in found) == counted


def test_people_are_ranked_by_their_photos_with_the_date_of_the_newest(es, documents):
    counted = Counter(name for document in documents["faces"] for name in names(document))

    found = charted(es, f"{EXPLORATION}-people-table")

    assert [row["metric-0"] for row in found] == sorted(counted.values(), reverse=True)
    assert {row["bucket-0"]: row["metric-0"] for row in found} == counted
    first = found[0]
    newest = max(
        datetime.fromisoformat(document["@timestamp"].replace("Z", "+00:00"))
        for document in documents["faces"]
        if first["bucket-0"] in names(document)
    )
    assert first["metric-1"] == newest.timestamp() * 1000


def test_every_error_of_the_scene_is_on_the_health_board_with_its_remedy(es, documents):
    counted = Counter(document["error"]["code"] for document in everywhere(documents) if "error" in document)

    found = charted(es, f"{HEALTH}-errors")

    assert {row["bucket-0"]: row["metric-0"] for row in found} == counted
    assert set(counted) <= set(REMEDIES)
