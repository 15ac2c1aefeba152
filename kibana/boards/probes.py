"""Probes: who is on the photos that were dropped into ``face-probes``?"""

from __future__ import annotations

from typing import Any

from kibana.boards import NEEDS_PICTURES, NEEDS_PLUGIN, PROBES, TAG, TITLES, navigation, review
from kibana.boards import data_views as views
from kibana.objects import chosen_face, kql, lens, vega
from kibana.objects import vega_marks as marks
from kibana.objects.dashboard import Control, Dashboard, Row
from kibana.objects.panel import Panel, documents, markdown
from kibana.verdicts import Verdicts

WATCH = kql.equals("matched_tags", "watch")
SIDE = 84


def board(requests: str, verdicts: Verdicts) -> Dashboard:
    """
    Args:
        requests: Markdown with links to Dev Tools requests.
    """
    watched = {"term": {"faces.match.tags": "watch"}}
    thresholds = verdicts.thresholds
    rows = (
        Row(3, ((navigation(), 48),)),
        Row(
            7,
            (
                (lens.metric("probes", "Probes", views.PROBES, lens.count("Probes")), 12),
                (
                    lens.metric(
                        "known",
                        "Known",
                        views.PROBES,
                        lens.count("Look like somebody", kql.exists("matched_people")),
                    ),
                    12,
                ),
                (lens.metric("watched", "Watched", views.PROBES, lens.count("On the watch list", WATCH)), 12),
                (
                    lens.metric(
                        "unsure",
                        "Unsure",
                        views.PROBES,
                        lens.count("To be reviewed, by their best candidate", review.photos(thresholds)),
                    ),
                    12,
                ),
            ),
        ),
        Row(
            24,
            (
                (
                    _faces(
                        "newest",
                        "Who is this? The newest probes",
                        {"match_all": {}},
                        "No probe has a face",
                        verdicts,
                        3,
                    ),
                    48,
                ),
            ),
        ),
        Row(
            20,
            (
                (
                    _faces(
                        "watch",
                        "Who is on the watch list?",
                        watched,
                        "Nobody on the watch list was seen",
                        verdicts,
                        portraits=({"term": {"tags": "watch"}},),
                    ),
                    24,
                ),
                (
                    _faces(
                        "review",
                        "Is it the same person? The possible matches",
                        review.faces(thresholds),
                        "Nothing to review",
                        verdicts,
                    ),
                    24,
                ),
            ),
        ),
        Row(18, ((_watch_list(), 24), (_review_queue(verdicts), 24))),
        Row(18, ((_portraits(verdicts), 24), (_all(), 24))),
        Row(7, ((markdown("requests", "Probes in Dev Tools", requests), 48),)),
    )
    return Dashboard(
        PROBES,
        TITLES[PROBES],
        "Photos dropped into face-probes, each beside those of the gallery whom its faces look like. "
        + verdicts.sentence,
        views.PROBES,
        (
            Control("person", "optionsListControl", "Looks like", "matched_people"),
            Control("observer", "optionsListControl", "Observer", "observer.name"),
            Control("similarity", "rangeSliderControl", "Similarity", "best_similarity", 0.01),
            Control("time", "timeSlider", "Time"),
        ),
        rows,
        TAG,
    )


def _faces(
    key: str,
    title: str,
    query: dict[str, Any],
    nothing: str,
    verdicts: Verdicts,
    most: int = 2,
    portraits: tuple[dict[str, Any], ...] = (),
) -> Panel:
    """Faces of probes, newest first, each with the portraits that it looks like beside it.

    Args:
        query: on the nested documents: which faces.
        most: the number of portraits beside a face.
        portraits: clauses for the portraits that are shown; matches with others show only a name.
    """
    nested = {
        "path": "faces",
        "query": query,
        "inner_hits": {
            "size": 3,
            "sort": [{"faces.best_similarity": {"order": "desc", "missing": "_last"}}],
            "_source": ["faces.id", "faces.crop", "faces.label.name", "faces.candidates"],
        },
    }
    probes = {
        "size": 12,
        "query": {"bool": {"filter": vega.board({"nested": nested})}},
        "sort": [{"@timestamp": {"order": "desc", "unmapped_type": "date"}}],
        "_source": False,
        "fields": vega.ABOUT,
    }
    newest = {
        "size": 100,
        "query": {"bool": {"filter": [{"exists": {"field": "vector"}}, *portraits]}},
        "sort": [{"event.ingested": {"order": "desc", "unmapped_type": "date"}}],
        "_source": ["face.crop"],
    }
    # If a portrait isn't among the newest, another one of the same person is shown.
    people = {**newest, "size": 200, "collapse": {"field": "person.name"}, "fields": ["person.name"]}
    crop = vega.formula("crop", "datum._source.face ? datum._source.face.crop : null")
    signals, placed = marks.tiles("lines", (most + 1) * (SIDE + 10) + 24, SIDE + 52)
    rows = [
        *vega.each_face(),
        vega.formula("candidates", "datum.hit._source.candidates ? datum.hit._source.candidates : []"),
        *placed,
    ]
    matches = [
        {"type": "filter", "expr": "length(datum.candidates)"},
        {"type": "flatten", "fields": ["candidates"], "as": ["match"], "index": "place"},
        {"type": "filter", "expr": f"datum.place < {most}"},
        vega.formula("similarity", "datum.match.similarity"),
        vega.formula("x", f"datum.x + (datum.place + 1) * {SIDE + 10} + 6"),
        vega.lookup("portraits", "_id", ["match.gallery_id"], ["very"]),
        vega.lookup("people", "name", ["match.name"], ["other"]),
        vega.formula("portrait", "datum.very ? datum.very : datum.other"),
        vega.formula("who", "datum.match.name ? datum.match.name : 'no name'"),
        # A probe has it if its gallery was calibrated at the time.
        vega.formula("probability", "isNumber(datum.match.probability) ? datum.match.probability : null"),
        vega.formula("watched", "datum.match.tags ? indexof(datum.match.tags, 'watch') >= 0 : false"),
    ]
    about = (
        "{title: 'Probe', observer: datum.observer, when: datum.day, file: datum.file,"
        " 'such faces in the photo': datum.inner_hits.faces.hits.total.value}"
    )
    tooltip = (
        f"merge({{title: datum.who, similarity: {marks.score('4')}, verdict: {marks.VERDICT},"
        " tags: datum.match.tags ? join(datum.match.tags, ', ') : ''},"
        f" datum.probability === null ? {{}} : {{probability: {marks.percent('datum.probability')}}})"
    )
    below = f"datum.y + {SIDE}"
    likely = f"datum.probability === null ? '' : ' ' + {marks.percent('datum.probability')}"
    score = f"(datum.watched ? '● ' : '') + {marks.score()} + ({likely})"
    spec = {
        "signals": [
            *marks.verdict_signals(verdicts),
            *signals,
            chosen_face.choosing("probe", "face-probes"),
        ],
        "data": [
            chosen_face.data("face-probes"),
            vega.search("portraits", "face-gallery", newest, "hits.hits", [crop]),
            vega.search(
                "people",
                "face-gallery",
                people,
                "hits.hits",
                [crop, vega.formula("name", vega.first("datum.fields", "person.name"))],
            ),
            vega.search("lines", "face-probes", probes, "hits.hits", rows),
            {"name": "matches", "source": "lines", "transform": matches},
        ],
        "marks": [
            marks.counted("lines", "Newest faces", by="verdicts"),
            *marks.faces("probe", "lines", SIDE, about, clickable=True),
            marks.caption("lines", "datum.observer", "datum.x", f"{below} + 10", SIDE + 8, strong=True),
            marks.caption("lines", "slice(datum.day, 2)", "datum.x", f"{below} + 26", SIDE + 8),
            marks.caption(
                "lines",
                "'like nobody known'",
                f"datum.x + {SIDE + 16}",
                f"datum.y + {SIDE // 2 - 6}",
                2 * SIDE,
                where="!length(datum.candidates)",
            ),
            *marks.faces("match", "matches", SIDE, tooltip, field="portrait"),
            marks.verdict_bar("matches", SIDE),
            marks.caption("matches", "datum.who", "datum.x", f"{below} + 10", SIDE + 6, strong=True),
            marks.caption("matches", score, "datum.x", f"{below} + 26", SIDE + 6),
            marks.nothing_found("lines", nothing),
        ],
    }
    return vega.panel(
        key,
        title,
        spec,
        "A face of a probe, three of a photo at most, and the portraits that it looks like, best first, with "
        "similarity and, if the gallery was calibrated then, the probability of being the same person; ● is "
        "on the watch list. In a gallery with more than 100 portraits another one of the same person may "
        "stand in. A click on a probe's face chooses it for the panel with its portraits. "
        f"{verdicts.sentence}. {NEEDS_PICTURES}",
    )


def _portraits(verdicts: Verdicts) -> Panel:
    """The portraits that the chosen probe looks like, however large the gallery."""
    knn = {
        "field": "vector",
        "k": 24,
        "num_candidates": 200,
        "query_vector_builder": {"face": {"filter": {"index": "face-probes", "query": vega.board()}}},
    }
    body = {
        "size": 24,
        "query": {"bool": {"must": [{"knn": knn}]}},
        "_source": ["face.crop"],
        "fields": ["person.name", "tags"],
    }
    big, top = 150, marks.HEADING + marks.LINE
    signals, placed = marks.tiles("found", SIDE + 14, SIDE + 50, left=big + 30, top=top)
    found = [
        vega.formula("crop", "datum._source.face ? datum._source.face.crop : null"),
        vega.formula("name", vega.first("datum.fields", "person.name")),
        vega.formula("tags", "datum.fields && datum.fields.tags ? join(datum.fields.tags, ', ') : ''"),
        vega.formula("similarity", "2 * datum._score - 1"),
        *placed,
    ]
    seed, at_left = chosen_face.shown("The chosen probe", big, ["datum.observer", "datum.day"], top)
    shown = "datum.name ? datum.name : 'no name'"
    about = f"title: {shown}, similarity: {marks.score('4')}, verdict: {marks.VERDICT}"
    tooltip = f"{{{about}, tags: datum.tags}}"
    below = f"datum.y + {SIDE}"
    spec = {
        "signals": [*marks.verdict_signals(verdicts), *signals],
        "data": [
            chosen_face.data("face-probes"),
            seed,
            vega.search("found", "face-gallery", body, "hits.hits", found),
        ],
        "marks": [
            *at_left,
            marks.counted("found", "Most similar portraits", big + 30),
            marks.heading("length(data('found')) ? verdicts : ''", big + 30, line=1),
            *marks.faces("portrait", "found", SIDE, tooltip),
            marks.verdict_bar("found", SIDE),
            marks.caption("found", shown, "datum.x", f"{below} + 10", SIDE, strong=True),
            marks.caption(
                "found",
                f"{marks.score()} + ' ' + datum.tags",
                "datum.x",
                f"{below} + 26",
                SIDE,
            ),
            marks.nothing_found("found", "The gallery is empty"),
        ],
    }
    return vega.panel(
        "portraits",
        "Whom does the chosen probe look like?",
        spec,
        f"All portraits by similarity, also those too unlike to be a match. {verdicts.sentence}. "
        + NEEDS_PLUGIN,
    )


def _watch_list() -> Panel:
    return _table("watch-table", "Hits on the watch list", WATCH)


def _review_queue(verdicts: Verdicts) -> Panel:
    return _table(
        "review-table",
        "To be reviewed by a person",
        review.photos(verdicts.thresholds),
        f"{verdicts.sentence}. ",
    )


def _all() -> Panel:
    return _table("newest-table", "All probes, newest first", kql.EVERYTHING)


def _table(key: str, title: str, query: kql.Kql, about: str = "") -> Panel:
    columns = {
        "thumbnail": 150,
        "matched_people": None,
        "best_similarity": 90,
        "observer.name": None,
        views.HASH: 130,
    }
    return documents(
        key,
        title,
        views.PROBES,
        columns,
        [("@timestamp", "desc")],
        query,
        f"{about}Needs no setting of Kibana. `find similar faces` ranks the archive by the photo's largest "
        "face.",
    )
