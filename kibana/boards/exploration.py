"""Exploration: who is in the archive, where, when, and with whom?"""

from __future__ import annotations

from itertools import pairwise

from kibana.boards import EXPLORATION, HEALTH, NEEDS_PICTURES, OF_AN_ARCHIVE, SEARCH, TAG, TITLES, navigation
from kibana.boards import data_views as views
from kibana.boards.review import NAMELESS
from kibana.objects import chosen_face, lens, over_time, vega
from kibana.objects import vega_marks as marks
from kibana.objects.dashboard import Dashboard, Row
from kibana.objects.panel import Panel, markdown
from kibana.verdicts import Verdicts

SIDE = 92
SIMILARITIES = [0.4, 0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.9]
TENTHS = [*(tenth / 10 for tenth in range(10)), 1.01]
TENTH_NAMES = [f"{tenth / 10:g} to {(tenth + 1) / 10:g}" for tenth in range(10)]


def board(requests: str, verdicts: Verdicts) -> Dashboard:
    """
    Args:
        requests: Markdown with links to Dev Tools requests.
    """
    faces = views.FACES
    rows = (
        Row(3, ((navigation(), 48),)),
        Row(
            7,
            (
                (lens.metric("photos", "Photos", faces, lens.count("Photos")), 12),
                (lens.metric("faces", "Faces", faces, lens.total("Faces", "face_count")), 12),
                (lens.metric("people", "People", faces, lens.distinct("People", "people")), 12),
                (
                    lens.metric(
                        "unnamed", "Nameless", faces, lens.total("Faces nobody has named", "unnamed_faces")
                    ),
                    12,
                ),
            ),
        ),
        Row(
            16,
            (
                (
                    over_time.stacked(
                        "over-time",
                        "How many faces, when and where?",
                        "faces",
                        "@timestamp",
                        "observer.name",
                        summed="face_count",
                        without="no observer",
                        description="Faces by the photo's time, stacked by observer. Times are UTC.",
                    ),
                    28,
                ),
                (_where(), 20),
            ),
        ),
        Row(20, ((_people(), 28), (_people_table(), 20))),
        Row(18, ((_together(), 24), (_together_table(), 24))),
        Row(18, ((_nameless(), 48),)),
        Row(14, ((_faces_a_photo(), 16), (_quality(), 16), (_similarity(verdicts), 16))),
        Row(7, ((markdown("requests", "Counting in Dev Tools", requests), 48),)),
    )
    return Dashboard(
        EXPLORATION,
        TITLES[EXPLORATION],
        "Who is in the archive, where, when, and with whom; and whom nobody has named yet. "
        + verdicts.sentence,
        faces,
        OF_AN_ARCHIVE,
        rows,
        TAG,
    )


def _where() -> Panel:
    return lens.heat_map(
        "where",
        "Who was seen where?",
        views.FACES,
        lens.top("Observer", "observer.name", 10),
        lens.top("Person", "people", 15),
        lens.count("Photos"),
        "Photos with this person from this observer.",
    ).leading_to(SEARCH, "Search among these photos")


def _people_table() -> Panel:
    return lens.table(
        "people-table",
        "When was each person last seen?",
        views.FACES,
        [lens.top("Person", "people", 100)],
        [lens.count("Photos"), lens.latest("Last seen", "@timestamp")],
    ).leading_to(SEARCH, "Search among these photos")


def _together_table() -> Panel:
    return lens.heat_map(
        "together-table",
        "How often is each with each?",
        views.FACES,
        lens.top("Person", "people", 12),
        lens.top("With", "people", 12),
        lens.count("Photos"),
        "Photos with both; on the diagonal, photos with this person at all.",
    ).leading_to(SEARCH, "Search among these photos")


def _faces_a_photo() -> Panel:
    bounds = [0, 1, 2, 3, 4, 5, 7, 11, 1001]
    names = ["0", "1", "2", "3", "4", "5 to 6", "7 to 10", "over 10"]
    return lens.bars(
        "faces-a-photo",
        "How many faces has a photo?",
        views.FACES,
        lens.ranges("Faces", "face_count", bounds, names),
        lens.count("Photos"),
    )


def _quality() -> Panel:
    return lens.bars(
        "quality",
        "How good are the faces?",
        views.FACES,
        lens.ranges("Quality of the photo's best face", "best_quality", TENTHS, TENTH_NAMES),
        lens.count("Photos"),
        description="From size, sharpness and frontality, 0 to 1. Below 0.3 matches are not to be trusted.",
    ).leading_to(HEALTH, "Look at the ingest of these photos")


def _similarity(verdicts: Verdicts) -> Panel:
    """The thresholds are bounds of bars, and replace the usual bounds that are too close to them."""
    thresholds = {verdicts.thresholds.strong, verdicts.thresholds.possible}
    apart = [one for one in SIMILARITIES if all(abs(one - other) > 0.02 for other in thresholds)]
    bounds = sorted({*apart, *thresholds})
    names = [
        f"below {bounds[0]:g}",
        *(f"{low:g} to {high:g}" for low, high in pairwise(bounds)),
        f"over {bounds[-1]:g}",
    ]
    return lens.bars(
        "similarity",
        "How similar are the probes' best candidates?",
        views.PROBES,
        lens.ranges("Similarity of the best candidate", "best_similarity", [-1, *bounds, 1.01], names),
        lens.count("Probes"),
        description=f"Of the probes. {verdicts.sentence}.",
    )


def _people() -> Panel:
    """Everyone with a name: best face, number of photos, last seen."""
    aggs = {
        "people": {
            "terms": {"field": "people", "size": 60},
            "aggs": {"last": {"max": {"field": "@timestamp"}}},
        },
        "all": {"cardinality": {"field": "people"}},
        **_best_faces(),
    }
    signals, placed = marks.tiles("people", SIDE + 18, SIDE + 62)
    rows = [
        *vega.each("datum.aggregations.people.buckets", "bucket"),
        vega.formula("name", "datum.bucket.key"),
        vega.formula("last", "utcFormat(datum.bucket.last.value, '%Y-%m-%d')"),
        vega.formula("photos", "datum.bucket.doc_count"),
        vega.lookup("crops", "key", ["name"], ["crop"]),
        *placed,
    ]
    tooltip = "{title: datum.name, photos: datum.photos, 'last seen': datum.last}"
    below = f"datum.y + {SIDE}"
    only = "kibanaAddFilter({term: {people: datum.name}}, 'faces', 'Person: ' + datum.name)"
    spec = {
        "signals": [*signals, marks.clicked("person", only)],
        "data": [
            vega.counts("answer", "faces", "@timestamp", aggs, []),
            _crops(),
            {"name": "people", "source": "answer", "transform": rows},
        ],
        "marks": [
            marks.counted("people", "With the most photos", of="data('answer')[0].aggregations.all.value"),
            *marks.faces("person", "people", SIDE, tooltip, clickable=True),
            marks.caption("people", "datum.name", "datum.x", f"{below} + 6", SIDE + 12, strong=True),
            marks.caption(
                "people",
                "datum.photos + (datum.photos === 1 ? ' photo' : ' photos')",
                "datum.x",
                f"{below} + 22",
                SIDE + 12,
            ),
            marks.caption("people", "'last ' + datum.last", "datum.x", f"{below} + 37", SIDE + 12),
            marks.nothing_found("people", "Nobody has a name among these photos"),
        ],
    }
    return vega.panel(
        "people-faces",
        "Who is in the archive?",
        spec,
        "Everybody whom a person named, by their best face. A click narrows the board to them. "
        + NEEDS_PICTURES,
    )


def _together() -> Panel:
    """Pairs of people on the same photos, the most frequent first."""
    pairs = {
        "terms": {"field": "people", "size": 60},
        "aggs": {
            "others": {
                "terms": {"field": "people", "size": 61},
                "aggs": {"last": {"max": {"field": "@timestamp"}}},
            }
        },
    }
    aggs = {"pairs": pairs, **_best_faces()}
    side, width = 64, 2 * 64 + 130
    signals, placed = marks.tiles("pairs", width, side + 20)
    rows = [
        *vega.each("datum.aggregations.pairs.buckets", "one"),
        *vega.each("datum.one.others.buckets", "other"),
        {"type": "filter", "expr": "datum.one.key !== datum.other.key"},
        vega.formula("left", "datum.one.key < datum.other.key ? datum.one.key : datum.other.key"),
        vega.formula("right", "datum.one.key < datum.other.key ? datum.other.key : datum.one.key"),
        vega.formula("photos", "datum.other.doc_count"),
        vega.formula("last", "datum.other.last.value"),
        # A pair has two rows, unless only one of the two is among the people with the most photos.
        {
            "type": "aggregate",
            "groupby": ["left", "right"],
            "fields": ["photos", "last"],
            "ops": ["max", "max"],
            "as": ["photos", "last"],
        },
        {"type": "collect", "sort": {"field": ["photos", "left"], "order": ["descending", "ascending"]}},
        vega.formula("last", "utcFormat(datum.last, '%Y-%m-%d')"),
        vega.lookup("crops", "key", ["left", "right"], ["left_crop", "right_crop"]),
        *placed,
    ]
    tooltip = "{title: datum.left + ' and ' + datum.right, photos: datum.photos, 'last seen': datum.last}"
    both = (
        "kibanaAddFilter({bool: {filter: [{term: {people: datum.left}}, {term: {people: datum.right}}]}},"
        " 'faces', datum.left + ' and ' + datum.right)"
    )
    beside = f"datum.x + {2 * side + 10}"
    spec = {
        "signals": [*signals, marks.clicked("left", both), marks.clicked("right", both)],
        "data": [
            vega.counts("answer", "faces", "@timestamp", aggs, []),
            _crops(),
            {"name": "pairs", "source": "answer", "transform": rows},
        ],
        "marks": [
            marks.counted("pairs", "Pairs seen most often"),
            *marks.faces("left", "pairs", side, tooltip, field="left_crop", clickable=True),
            *marks.beside(
                marks.faces("right", "pairs", side, tooltip, field="right_crop", clickable=True), side + 2
            ),
            marks.caption("pairs", "datum.left", beside, "datum.y + 2", 110, strong=True),
            marks.caption("pairs", "datum.right", beside, "datum.y + 18", 110, strong=True),
            marks.caption(
                "pairs",
                "datum.photos + (datum.photos === 1 ? ' photo' : ' photos')",
                beside,
                "datum.y + 36",
                110,
            ),
            marks.nothing_found("pairs", "Nobody was seen with anybody"),
        ],
    }
    return vega.panel(
        "together",
        "Who is seen together?",
        spec,
        "Pairs of people on the same photo, most often seen first, of the 60 people with the most photos. A "
        "click narrows the board to them. " + NEEDS_PICTURES,
    )


def _nameless() -> Panel:
    """Faces without a label, newest first."""
    nested = {
        "path": "faces",
        "query": NAMELESS,
        "inner_hits": {
            "size": 10,
            "_source": ["faces.id", "faces.crop", "faces.quality.score", "faces.label.name"],
        },
    }
    body = {
        "size": 60,
        "query": {
            "bool": {"filter": vega.board({"range": {"unnamed_faces": {"gte": 1}}}, {"nested": nested})}
        },
        "sort": [{"@timestamp": {"order": "desc", "unmapped_type": "date"}}],
        "_source": False,
        "fields": vega.ABOUT,
    }
    signals, placed = marks.tiles("faces", SIDE + 16, SIDE + 44)
    rows = [
        *vega.each_face(),
        vega.formula("quality", "datum.hit._source.quality ? datum.hit._source.quality.score : null"),
        *placed,
    ]
    tooltip = (
        "{title: 'Not named', observer: datum.observer, when: datum.day, file: datum.file,"
        " quality: format(datum.quality, '.2f')}"
    )
    below = f"datum.y + {SIDE}"
    spec = {
        "signals": [*signals, chosen_face.choosing("face", "faces")],
        "data": [chosen_face.data("faces"), vega.search("faces", "faces", body, "hits.hits", rows)],
        "marks": [
            marks.counted("faces", "Newest faces without a name"),
            *marks.faces("face", "faces", SIDE, tooltip, clickable=True),
            marks.caption("faces", "datum.observer", "datum.x", f"{below} + 6", SIDE + 10, strong=True),
            marks.caption("faces", "datum.day", "datum.x", f"{below} + 22", SIDE + 10),
            marks.nothing_found("faces", "No face without a name among these photos"),
        ],
    }
    return vega.panel(
        "nameless",
        "Whom has nobody named?",
        spec,
        "Newest first. A click chooses the face: go on to the board Face search to see whom it looks like. "
        + NEEDS_PICTURES,
    )


def _best_faces() -> vega.Spec:
    """Aggregations: the best labelled face of each person."""
    best = {"top_hits": {"size": 1, "sort": [{"faces.quality.score": "desc"}], "_source": ["faces.crop"]}}
    names = {"terms": {"field": "faces.label.name", "size": 120}, "aggs": {"best": best}}
    return {"faces": {"nested": {"path": "faces"}, "aggs": {"names": names}}}


def _crops() -> vega.Spec:
    """The data set ``crops``, from the answer to ``_best_faces``."""
    rows = [
        *vega.each("datum.aggregations.faces.names.buckets", "bucket"),
        vega.formula("key", "datum.bucket.key"),
        vega.formula("crop", "datum.bucket.best.hits.hits[0]._source.crop"),
    ]
    return {"name": "crops", "source": "answer", "transform": rows}
