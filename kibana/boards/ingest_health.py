"""Ingest health: do the photos arrive, and can they be searched?"""

from __future__ import annotations

from kibana.boards import HEALTH, NEEDS_PICTURES, SEARCH, TAG, TITLES, navigation
from kibana.boards import data_views as views
from kibana.objects import kql, lens, over_time, vega
from kibana.objects import vega_marks as marks
from kibana.objects.dashboard import Control, Dashboard, Row
from kibana.objects.panel import Panel, documents, markdown

EVERYWHERE = "faces,face-gallery,face-probes"
LOW = 0.3
"""Below this quality the matches of a face are unreliable."""


def board(requests: str) -> Dashboard:
    """
    Args:
        requests: Markdown with links to Dev Tools requests.
    """
    view = views.INGEST
    tiles = (
        lens.metric("photos", "Photos", view, lens.count("Photos")),
        lens.metric("failed", "Failed", view, lens.count("Failed", kql.equals("event.outcome", "failure"))),
        lens.metric("no-face", "No face", view, lens.count("Without a face", kql.equals("tags", "no_face"))),
        lens.metric("low", "Low quality", view, lens.count("Of low quality", kql.below("best_quality", LOW))),
        lens.metric("p50", "Median time", view, lens.percentile("Endpoint, median", "event.duration", 50)),
        lens.metric("p95", "95 % time", view, lens.percentile("Endpoint, 95 %", "event.duration", 95)),
    )
    rows = (
        Row(3, ((navigation(), 48),)),
        Row(7, tuple((tile, 8) for tile in tiles)),
        Row(14, ((_rate(), 32), (_outcome(), 16))),
        Row(16, ((_failures(), 32), (_errors(), 16))),
        Row(14, ((_lag(), 24), (_endpoint(), 24))),
        Row(14, ((_unusable(), 24), (_models(), 24))),
        Row(18, ((_duplicates(), 28), (_duplicates_table(), 20))),
        Row(5, ((markdown("requests", "Health in Dev Tools", requests), 48),)),
    )
    return Dashboard(
        HEALTH,
        TITLES[HEALTH],
        "Archive, gallery and probes, by the time of their ingest: how many photos, how fast, what failed.",
        view,
        (
            Control("index", "optionsListControl", "Index", "_index"),
            Control("observer", "optionsListControl", "Observer", "observer.name"),
            Control("error", "optionsListControl", "Error", "error.code"),
        ),
        rows,
        TAG,
    )


def _rate() -> Panel:
    return over_time.stacked(
        "rate",
        "How many photos arrive?",
        EVERYWHERE,
        "event.ingested",
        "event.outcome",
        colors={"success": marks.STRONG_COLOR, "failure": "#E7664C", "none": marks.UNLIKELY_COLOR},
        description="Photos by the time of their ingest. Times are UTC.",
    )


def _lag() -> Panel:
    return over_time.durations(
        "lag",
        "How far behind the cameras are we?",
        EVERYWHERE,
        "event.ingested",
        "event.lag",
        "From the photo's own @timestamp to its ingest, where the sender gave one. Below zero a camera's "
        "clock is ahead. Old photos that are sent today are as late as they are old.",
    )


def _endpoint() -> Panel:
    return over_time.durations(
        "endpoint",
        "How long does finding the faces take?",
        EVERYWHERE,
        "event.ingested",
        "event.duration",
        "What a photo waited for the endpoint's answer, with its batch and in the node's queue.",
    )


def _outcome() -> Panel:
    return lens.bars(
        "outcome",
        "How did it go, by index?",
        views.INGEST,
        lens.top("Index", "_index", 12),
        lens.count("Photos"),
        split=lens.top("Outcome", "event.outcome", 3),
        horizontal=True,
    )


def _errors() -> Panel:
    return lens.table(
        "errors",
        "What went wrong, and what to do?",
        views.INGEST,
        [lens.top("Error, and its remedy", "error.code", 20)],
        [lens.count("Photos")],
        "Documents kept with their error. Those refused with 429 are not here: GET _face/stats counts them.",
    )


def _failures() -> Panel:
    columns = {"thumbnail": 130, "error.message": None, "file.path": 200, "observer.name": 110, "_index": 130}
    return documents(
        "failures",
        "The newest failures",
        views.INGEST,
        columns,
        [("event.ingested", "desc")],
        kql.exists("error.code"),
        "A photo that can't be read has no thumbnail; it is kept in the document's field image.",
        row_height=3,
    )


def _unusable() -> Panel:
    kinds = {
        "no face": kql.equals("tags", "no_face"),
        "low quality": kql.below("best_quality", LOW),
        "failed": kql.equals("event.outcome", "failure"),
    }
    return lens.bars(
        "unusable",
        "Whose photos can't be searched well?",
        views.INGEST,
        lens.top("Observer", "observer.name", 12),
        lens.count("Photos"),
        split=lens.cases("Trouble", kinds),
        horizontal=True,
        description="Photos without a face, with faces of low quality, and failed ones, by observer.",
    )


def _models() -> Panel:
    return lens.table(
        "models",
        "Which models made the vectors?",
        views.INGEST,
        [lens.top("Model", "model.id", 10), lens.top("Index", "_index", 12)],
        [lens.count("Photos"), lens.latest("Last ingested", "event.ingested")],
        "One model per index: vectors of two models can't be compared.",
    )


def _duplicates_table() -> Panel:
    return lens.table(
        "duplicates-table",
        "How often is each file there?",
        views.INGEST,
        [lens.top("File's SHA-256", "file.hash.sha256", 50)],
        [lens.count("Documents"), lens.distinct("Paths", "file.path")],
    ).leading_to(SEARCH, "Search among these photos")


def _duplicates() -> Panel:
    """Files of which there are several exact copies."""
    aggs = {
        "files": {
            "terms": {"field": "file.hash.sha256", "min_doc_count": 2, "size": 40},
            "aggs": {
                "one": {"top_hits": {"size": 3, "_source": False, "fields": ["thumbnail", *vega.ABOUT]}},
            },
        }
    }
    side = 100
    signals, placed = marks.tiles("files", side + 24, side + 46)
    rows = [
        *vega.each("datum.aggregations.files.buckets", "bucket"),
        vega.formula("key", "datum.bucket.key"),
        vega.formula("fields", "datum.bucket.one.hits.hits[0].fields"),
        vega.formula("crop", vega.first("datum.fields", "thumbnail")),
        vega.formula("file", vega.file_name("datum.fields")),
        vega.formula("count", "datum.bucket.doc_count"),
        *placed,
    ]
    tooltip = "{title: datum.count + ' documents', file: datum.file, sha256: datum.key}"
    copies = "{term: {'file.hash.sha256': datum.key}}"
    label = "'Copies of ' + (datum.file ? datum.file : datum.key)"
    only = f"kibanaAddFilter({copies}, '{EVERYWHERE}', {label})"
    below = f"datum.y + {side}"
    spec = {
        "signals": [*signals, marks.clicked("copy", only)],
        "data": [vega.counts("files", EVERYWHERE, "event.ingested", aggs, rows)],
        "marks": [
            marks.counted("files", "Files with the most copies"),
            *marks.faces("copy", "files", side, tooltip, clickable=True),
            marks.caption(
                "files", "datum.count + ' times'", "datum.x", f"{below} + 6", side + 16, strong=True
            ),
            marks.caption("files", "datum.file", "datum.x", f"{below} + 22", side + 16),
            marks.nothing_found("files", "No photo is there twice"),
        ],
    }
    return vega.panel(
        "duplicates",
        "Which photos are there more than once?",
        spec,
        f"Exact copies, by SHA-256. A click narrows the board to them. {NEEDS_PICTURES}",
    )
