"""Face search: who looks like the chosen face?"""

from __future__ import annotations

from kibana.boards import NEEDS_PLUGIN, OF_AN_ARCHIVE, SEARCH, TAG, TITLES, navigation
from kibana.boards.data_views import FACES, HASH, nearest
from kibana.objects import chosen_face, vega
from kibana.objects import vega_marks as marks
from kibana.objects.dashboard import Dashboard, Row
from kibana.objects.panel import Panel, documents, markdown
from kibana.verdicts import Verdicts

CHOSEN_SIDE = 190
SIDE = 104


def board(requests: str, verdicts: Verdicts) -> Dashboard:
    """
    Args:
        requests: Markdown with links to Dev Tools requests.
    """
    return Dashboard(
        SEARCH,
        TITLES[SEARCH],
        "Click a face, and the most similar faces are found among the photos that the controls let through. "
        + verdicts.sentence,
        FACES,
        OF_AN_ARCHIVE,
        (
            Row(3, ((navigation(), 48),)),
            Row(26, ((_nearest(verdicts), 48),)),
            Row(22, ((_ranked(), 24), (_matching(), 24))),
            Row(9, ((markdown("requests", "Search in Dev Tools", requests), 48),)),
        ),
        TAG,
    )


def _nearest(verdicts: Verdicts) -> Panel:
    """The chosen face and the faces most similar to it. A click on a face chooses it."""
    knn = {
        "field": "faces.vector",
        "k": 60,
        "num_candidates": 300,
        "filter": vega.board(),
        "query_vector_builder": {"face": {"filter": {"index": "faces", "query": vega.board()}}},
    }
    nested = {
        "path": "faces",
        "score_mode": "max",
        "query": {"knn": knn},
        "inner_hits": {"size": 1, "_source": ["faces.id", "faces.crop", "faces.label.name"]},
    }
    body = {
        "size": 60,
        "query": {"bool": {"must": [{"nested": nested}]}},
        "_source": False,
        "fields": vega.ABOUT,
    }
    signals, placed = marks.tiles("found", SIDE + 14, SIDE + 54, left=CHOSEN_SIDE + 40)
    chosen = "data('chosen')[0]"
    found = [
        *vega.each_face(),
        vega.formula("similarity", "2 * datum._score - 1"),
        {"type": "filter", "expr": f"datum.document !== {chosen}.document || datum.face !== {chosen}.face"},
        *placed,
    ]
    shown = "datum.name ? datum.name : 'not named'"
    about = f"title: {shown}, observer: datum.observer, when: datum.day, file: datum.file"
    tooltip = f"{{{about}, similarity: {marks.score('4')}, verdict: {marks.VERDICT}}}"
    below = f"datum.y + {SIDE}"
    score = f"{marks.score()} + ' ' + ({marks.VERDICT})"
    seed, at_left = chosen_face.shown(
        "The chosen face", CHOSEN_SIDE, [shown, "datum.observer", "datum.day", "datum.file"]
    )
    spec = {
        "signals": [*marks.verdict_signals(verdicts), *signals, chosen_face.choosing("face", "faces")],
        "data": [chosen_face.data("faces"), seed, vega.search("found", "faces", body, "hits.hits", found)],
        "marks": [
            *at_left,
            marks.counted(
                "found",
                "Most similar, of the photos that the controls let through",
                CHOSEN_SIDE + 40,
                by="verdicts",
            ),
            *marks.faces("face", "found", SIDE, tooltip, clickable=True),
            marks.verdict_bar("found", SIDE),
            marks.caption("found", shown, "datum.x", f"{below} + 10", SIDE, strong=True),
            marks.caption("found", score, "datum.x", f"{below} + 26", SIDE),
            marks.nothing_found("found", "No other face among the photos that the controls let through"),
        ],
    }
    return vega.panel(
        "nearest",
        "Who looks like the chosen face?",
        spec,
        f"A click on a face makes it the query. {verdicts.sentence}. {NEEDS_PLUGIN}",
    )


def _ranked() -> Panel:
    columns = {"thumbnail": 150, HASH: 140, "people": None, "observer.name": None, "best_quality": 90}
    newest = {"filter": {"index": "faces", "query": {"match_all": {}}}}
    return documents(
        "ranked",
        "The photos most similar to the newest one",
        FACES,
        columns,
        [("_score", "desc")],
        nearest(newest),
        "The gallery's twin, which needs no setting of Kibana. Of the hundred photos most similar to the "
        "newest one, those that the controls let through. `find similar faces` opens Discover, where all "
        f"photos are ranked by the largest face of the photo beside it. {NEEDS_PLUGIN}",
    )


def _matching() -> Panel:
    columns = {
        "thumbnail": 150,
        "people": None,
        "observer.name": None,
        "url.original": 240,
        "file.path": None,
    }
    return documents(
        "matching",
        "Which photos do the controls let through?",
        FACES,
        columns,
        [("@timestamp", "desc")],
        description="Newest first, each with its original.",
    )
