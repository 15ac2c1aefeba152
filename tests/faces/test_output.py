"""What commands print of counts, of progress and of errors."""

from __future__ import annotations

import pytest
from elastic_transport import ApiResponseMeta, HttpHeaders, NodeConfig
from elasticsearch import NotFoundError
from rich.progress import Progress

from faces.cli.output import RateColumn, explain, indexing_summary
from faces.indexing.outcomes import IndexingCounts


@pytest.mark.parametrize(
    ("number", "told"),
    [
        (1, "1 photo indexed, 1 with faces, 1 face"),
        (2_000, "2,000 photos indexed, 2,000 with faces, 2,000 faces"),
    ],
)
def test_one_photo_is_a_photo_and_one_face_a_face(number, told):
    assert indexing_summary(IndexingCounts(stored=number, with_faces=number, faces=number)) == told


def test_the_rate_is_since_the_start_also_where_results_come_all_at_once():
    now = [0.0]
    progress = Progress(get_time=lambda: now[0])
    task = progress.add_task("indexing", total=100)
    assert RateColumn("photos").render(progress.tasks[task]).plain == ""
    now[0] = 10.0
    for _ in range(50):
        now[0] += 0.001
        progress.advance(task)
    assert RateColumn("photos").render(progress.tasks[task]).plain == "5.0 photos/s"
    progress.advance(task, 50)
    now[0] = 1000.0
    assert RateColumn("photos").render(progress.tasks[task]).plain == "10.0 photos/s"


@pytest.mark.parametrize(("index", "installs"), [("faces", True), ("face-gallery", True), ("mine", False)])
def test_that_an_index_of_ours_is_missing_leads_to_the_installation(index, installs):
    told = {"type": "index_not_found_exception", "reason": f"no such index [{index}]", "index": index}
    body = {"error": {**told, "root_cause": [told]}, "status": 404}
    meta = ApiResponseMeta(404, "1.1", HttpHeaders(), 0.1, NodeConfig("http", "127.0.0.1", 9200))
    said = explain(NotFoundError(told["type"], meta, body), "")
    assert f"[{index}]" in said
    assert ("faces install" in said) == installs
