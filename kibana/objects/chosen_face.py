"""The face that a board's user has chosen: the filter that stores the choice, and how panels show it."""

from __future__ import annotations

from kibana.objects.vega import ABOUT, Spec, board, each_face, formula, numbered, search
from kibana.objects.vega_marks import HEADING, caption, clicked, faces, heading


def data(index: str) -> Spec:
    """The data set ``chosen``, one row: the face that the query vector builder takes for the same clauses.

    The row has the fields of ``each_face``. ``clicked`` is the id of the clicked face; before the first click
    it is null, and the newest photo's largest face is taken.
    """
    any_face = {
        "nested": {
            "path": "faces",
            "query": {"exists": {"field": "faces.vector"}},
            "inner_hits": {"size": 100, "_source": ["faces.id", "faces.crop", "faces.label.name"]},
        }
    }
    body = {
        "size": 1,
        "query": {"bool": {"must": board(), "filter": [any_face]}},
        "sort": ["_score", {"@timestamp": {"order": "desc", "unmapped_type": "date"}}],
        "_source": False,
        "fields": ABOUT,
    }
    transform = [
        formula("named", "split('\\n' + join(datum.matched_queries || [], '\\n'), '\\nface:')"),
        formula("clicked", "length(datum.named) > 1 ? split(datum.named[1], '\\n')[0] : null"),
        *each_face(),
        {"type": "filter", "expr": "datum.clicked === null || datum.clicked === datum.face"},
        numbered("place"),
        # Faces are sorted by size, and the builder takes the largest when no face is named.
        {"type": "filter", "expr": "datum.place === 1"},
    ]
    return search("chosen", index, body, "hits.hits", transform)


def choosing(mark: str, index: str) -> Spec:
    """A signal: a click on the mark ``mark`` of ``faces`` chooses its face, and removes the former choice.

    Rows need ``document``, ``face`` and ``name``, and the panel the data set ``chosen``.
    """
    before = "data('chosen')[0]"
    take_back = (
        f"length(data('chosen')) && {before}.clicked !== null"
        f" ? kibanaRemoveFilter({_choice(f'{before}.document', f'{before}.clicked')}, '{index}') : 0"
    )
    label = "'Chosen face: ' + (datum.name ? datum.name : datum.document)"
    choose = f"kibanaAddFilter({_choice('datum.document', 'datum.face')}, '{index}', {label})"
    return clicked(mark, f"[{take_back}, {choose}]")


def shown(title: str, side: int, lines: list[str], top: int = HEADING) -> tuple[Spec, list[Spec]]:
    """A data set and marks that show the chosen face, large, at a panel's left edge.

    Args:
        side: of the picture, in pixels.
        lines: expressions for the lines of text below it; the first is in bold.
    """
    seed = {
        "name": "seed",
        "source": "chosen",
        "transform": [formula("x", "0"), formula("y", str(top))],
    }
    name = "datum.name ? datum.name : 'not named'"
    about = f"{{title: {name}, observer: datum.observer, when: datum.day, file: datum.file}}"
    marks = [heading(f"'{title}'"), *faces("seed_face", "seed", side, about)]
    for number, line in enumerate(lines):
        first_line = number == 0
        y = f"datum.y + {side} + {8 if first_line else 14 + 18 * number}"
        marks.append(
            caption("seed", line, "datum.x", y, side, strong=first_line, size=16 if first_line else 12)
        )
    return seed, marks


def _choice(document: str, face: str) -> str:
    """An expression for the filter that stores a choice. It hides no document; it gives the chosen one the
    highest score, and the clause's name says which of its faces is meant.

    Args:
        document, face: expressions for the two ids.
    """
    # Two indices of an alias may have different photos of one id. A gallery has no nested faces.
    has_face = (
        f"{{nested: {{path: 'faces', ignore_unmapped: true, query: {{term: {{'faces.id': {face}}}}}}}}}"
    )
    both = f"must: [{{ids: {{values: [{document}]}}}}, {has_face}]"
    clause = f"{{bool: {{{both}, boost: 1000, _name: 'face:' + {face}}}}}"
    return f"{{bool: {{must: [{{match_all: {{}}}}], should: [{clause}]}}}}"
