"""Vega panels: searches with Kibana's tokens, and the marks that all of our drawings share.

Kibana fills a panel's tokens in only inside ``body.query`` and ``body.aggs``. Pictures are ``data:``
addresses, for which Kibana wants ``vis_type_vega.enableExternalUrls: true``; without it a panel keeps its
texts.
"""

from __future__ import annotations

from typing import Any

from kibana.objects.panel import Panel, visualization
from kibana.objects.saved_object import dumped
from kibana.verdicts import Verdicts

Spec = dict[str, Any]

STRONG_COLOR, POSSIBLE_COLOR, UNLIKELY_COLOR = "#54B399", "#D6BF57", "#98A2B3"
ACCENT = "#6092C0"
VERDICT_COLOR = (
    f"datum.similarity >= strong ? '{STRONG_COLOR}' : "
    f"datum.similarity >= possible ? '{POSSIBLE_COLOR}' : '{UNLIKELY_COLOR}'"
)
VERDICT = "datum.similarity >= strong ? 'strong' : datum.similarity >= possible ? 'possible' : 'unlikely'"
"""Of a panel with ``verdict_signals``."""

BOARD = ["%dashboard_context-must_clause%", "%dashboard_context-filter_clause%"]
NOT_BOARD = ["%dashboard_context-must_not_clause%"]


HEADING = 26
"""Pixels of a heading's line."""
LINE = 16
"""Pixels of each further line of a heading."""
ABOUT = ["@timestamp", "observer.name", "file.path"]


def in_time(field: str = "@timestamp") -> Spec:
    return {"range": {field: {"%timefilter%": True}}}


def verdict_signals(verdicts: Verdicts) -> list[Spec]:
    """What ``VERDICT``, ``VERDICT_COLOR`` and ``score`` go by, and ``verdicts``, the text that says so."""
    return [
        {"name": "strong", "value": verdicts.thresholds.strong},
        {"name": "possible", "value": verdicts.thresholds.possible},
        {"name": "places", "value": verdicts.places},
        {"name": "verdicts", "value": verdicts.words},
    ]


def score(places: str = "places") -> str:
    """A similarity, cut off and not rounded: 0.459 is no 0.46.

    Args:
        places: an expression; by default as many as the lines have.
    """
    return f"format(floor(datum.similarity * pow(10, {places})) / pow(10, {places}), '.' + {places} + 'f')"


def percent(probability: str) -> str:
    """A probability in percent, cut off and not rounded: nothing likely seems certain."""
    return f"floor({probability} * 100) + ' %'"


def board(*more: Spec, time_field: str = "@timestamp") -> list[Any]:
    """Clauses that say what the board's controls, filters, query and time range say, and ``more``."""
    return [*BOARD, {"bool": {"must_not": NOT_BOARD}}, in_time(time_field), *more]


def search(name: str, index: str, body: Spec, rows: str, transform: list[Spec] | None = None) -> Spec:
    """A data set made of a search.

    Args:
        rows: where in the answer the rows are, such as ``hits.hits``.
    """
    found = {"name": name, "url": {"index": index, "body": body}, "format": {"property": rows}}
    return found | ({"transform": transform} if transform else {})


def counts(name: str, index: str, time_field: str, aggs: Spec, transform: list[Spec]) -> Spec:
    """A data set made of aggregations over what the board shows; no rows where there is no index yet.

    Args:
        transform: of one row, whose ``aggregations`` are the answer's.
    """
    url = {
        "%context%": True,
        "%timefield%": time_field,
        "index": index,
        "body": {"size": 0, "aggs": aggs},
    }
    return {
        "name": name,
        "url": url,
        "transform": [{"type": "filter", "expr": "datum.aggregations"}, *transform],
    }


def each(rows: str, name: str) -> list[Spec]:
    """Transforms: a row for each item of the list that the expression gives, as ``name``."""
    return [
        formula("items", rows),
        {"type": "flatten", "fields": ["items"], "as": [name]},
        {"type": "filter", "expr": f"datum.{name}"},
    ]


def lookup(data: str, key: str, fields: list[str], names: list[str]) -> Spec:
    """A transform: for each of ``fields`` the picture of the row of ``data`` whose ``key`` is equal, as a
    name of its own."""
    return {"type": "lookup", "from": data, "key": key, "fields": fields, "values": ["crop"], "as": names}


def each_face() -> list[Spec]:
    """Transforms: a row for each face among the inner hits of a hit that was asked for ``ABOUT``.

    The rows get ``document`` and ``face`` (ids), ``crop``, ``name`` (the label's, or null), ``hit`` (the
    inner one) and what ``described`` gives.
    """
    return [
        *described(),
        formula("document", "datum._id"),
        *each("datum.inner_hits.faces.hits.hits", "hit"),
        formula("face", "datum.hit._source.id"),
        formula("crop", "datum.hit._source.crop"),
        formula("name", "datum.hit._source.label ? datum.hit._source.label.name : null"),
    ]


def panel(key: str, title: str, spec: Spec, description: str) -> Panel:
    whole = {"$schema": "https://vega.github.io/schema/vega/v5.json", "padding": 8, **spec}
    return visualization(key, "vega", title, description, {"spec": dumped(whole)})


def formula(name: str, expression: str) -> Spec:
    return {"type": "formula", "as": name, "expr": expression}


def first(fields: str, name: str) -> str:
    """The first value of a hit's field, as an expression; null where there is none."""
    return f"{fields} && {fields}['{name}'] ? {fields}['{name}'][0] : null"


def file_name(fields: str) -> str:
    """The last part of a hit's path, as an expression; null where there is none."""
    path = first(fields, "file.path")
    return f"{fields} && {fields}['file.path'] ? peek(split(({path}), '/')) : null"


def numbered(name: str = "index") -> Spec:
    """Numbers the rows from 0."""
    return {"type": "window", "ops": ["row_number"], "as": [name]}


def described(fields: str = "datum.fields") -> list[Spec]:
    """``when`` (milliseconds), ``day``, ``observer`` and ``file`` of a hit that was asked for ``ABOUT``."""
    return [
        formula("when", f"toDate({first(fields, '@timestamp')})"),
        formula("day", "utcFormat(datum.when, '%Y-%m-%d %H:%M')"),
        formula("observer", first(fields, "observer.name")),
        formula("file", file_name(fields)),
    ]


def tiles(
    data: str, width: int, height: int, left: int = 0, top: int = HEADING
) -> tuple[list[Spec], list[Spec]]:
    """Signals and transforms that lay rows out as tiles, line by line, as many as there is room for
    below the headings.

    The rows get ``x`` and ``y``, a tile's upper left corner.

    Args:
        width, height: of a tile, in pixels; what is left of the panel's width lies between the tiles.
        left, top: what is kept free of the panel.
    """
    signals = [
        {"name": f"{data}_columns", "update": f"max(1, floor((width - {left}) / {width}))"},
        {"name": f"{data}_step", "update": f"floor((width - {left}) / {data}_columns)"},
        {
            "name": f"{data}_room",
            "update": f"{data}_columns * max(1, floor((height - {top}) / {height}))",
        },
    ]
    transform = [
        numbered(),
        {"type": "filter", "expr": f"datum.index <= {data}_room"},
        formula("x", f"{left} + ((datum.index - 1) % {data}_columns) * {data}_step"),
        formula("y", f"{top} + floor((datum.index - 1) / {data}_columns) * {height}"),
    ]
    return signals, transform


def faces(
    name: str, data: str, side: int, tooltip: str, field: str = "crop", clickable: bool = False
) -> list[Spec]:
    """Faces or photos at (x, y), in squares of ``side`` pixels: the mark ``name``, and behind it a plate for
    what is seen where Kibana shows no pictures.

    Args:
        tooltip: an expression.
        field: base64 JPEG; null where there is none.
    """
    square: Spec = {
        "x": {"field": "x"},
        "y": {"field": "y"},
        "width": {"value": side},
        "height": {"value": side},
        "tooltip": {"signal": tooltip},
        **({"cursor": {"value": "pointer"}} if clickable else {}),
    }
    plate = {"fill": {"value": "#98A2B3"}, "fillOpacity": {"value": 0.15}}
    picture = {
        "aspect": {"value": True},
        "align": {"value": "left"},
        "url": {"signal": f"datum.{field} ? 'data:image/jpeg;base64,' + datum.{field} : ''"},
    }
    return [
        {"name": mark, "type": kind, "from": {"data": data}, "encode": {"update": {**square, **look}}}
        for mark, kind, look in ((f"{name}_plate", "rect", plate), (name, "image", picture))
    ]


def clicked(name: str, update: str) -> Spec:
    """The signal by which a click on a mark made by ``faces`` does what the expression says."""
    return {
        "name": f"{name}_clicked",
        "on": [{"events": f"@{name}:click, @{name}_plate:click", "update": update}],
    }


def beside(marks: list[Spec], pixels: int) -> list[Spec]:
    """The marks, so many pixels further to the right."""
    return [
        {**mark, "encode": {"update": {**mark["encode"]["update"], "x": {"field": "x", "offset": pixels}}}}
        for mark in marks
    ]


def verdict_bar(data: str, side: int) -> Spec:
    """Below a face: as long as it is similar, in the colour of the verdict."""
    return {
        "type": "rect",
        "from": {"data": data},
        "encode": {
            "update": {
                "x": {"field": "x"},
                "y": {"signal": f"datum.y + {side} + 2"},
                "width": {"signal": f"{side} * clamp(datum.similarity, 0.02, 1)"},
                "height": {"value": 4},
                "fill": {"signal": VERDICT_COLOR},
            }
        },
    }


def caption(
    data: str, text: str, x: str, y: str, limit: int, strong: bool = False, size: int = 12, where: str = ""
) -> Spec:
    """A line of text, cut off where there is no more room.

    Args:
        text, x, y: expressions; ``y`` is the text's upper edge.
        limit: in pixels.
        where: an expression; rows for which it is false have no text.
    """
    encode = {
        "x": {"signal": x},
        "y": {"signal": y},
        "baseline": {"value": "top"},
        "limit": {"value": limit},
        "fontSize": {"value": size},
        "fontWeight": {"value": "bold" if strong else "normal"},
        "text": {"signal": f"({where}) ? ({text}) : ''" if where else text},
    }
    # Kibana gives this style the colour of its theme, light or dark.
    style = "guide-title" if strong else "guide-label"
    return {
        "type": "text",
        "style": style,
        "interactive": False,
        "from": {"data": data},
        "encode": {"update": encode},
    }


def heading(text: str, left: int = 0, line: int = 0) -> Spec:
    """A line of its own over a part of a panel.

    Args:
        text: an expression.
        line: 0 for the panel's first.
    """
    return {
        "type": "text",
        "style": "guide-label",
        "interactive": False,
        "encode": {
            "update": {
                "x": {"value": left},
                "y": {"value": 2 + line * LINE},
                "baseline": {"value": "top"},
                "fontSize": {"value": 12},
                "limit": {"signal": f"width - {left}"},
                "text": {"signal": text},
            }
        },
    }


def counted(data: str, what: str, left: int = 0, of: str = "", by: str = "") -> Spec:
    """The heading of tiles: what they are, and how many; there may be more than there is room for.

    Args:
        of: an expression for how many there are in all, if that is known.
        by: an expression for what they are coloured by.
    """
    shown = f"'{what}: ' + length(data('{data}'))" + (f" + ' of ' + ({of})" if of else "")
    shown += f" + ' · ' + {by}" if by else ""
    return heading(f"length(data('{data}')) ? {shown} : ''", left)


def nothing_found(data: str, text: str) -> Spec:
    """What stands where there are no rows."""
    return {
        "type": "text",
        "style": "guide-label",
        "interactive": False,
        "encode": {
            "update": {
                "x": {"signal": "width / 2"},
                "y": {"signal": "height / 2"},
                "align": {"value": "center"},
                "baseline": {"value": "middle"},
                "fontSize": {"value": 14},
                "limit": {"signal": "width"},
                "text": {"signal": f"length(data('{data}')) ? '' : '{text}'"},
            }
        },
    }


def choice(document: str, face: str) -> str:
    """The filter, as an expression, by which a board knows the chosen face. It leaves every panel its rows,
    and gives the document the highest score; the clause's name says which of its faces it is.

    Args:
        document, face: expressions for the two ids.
    """
    # An id may be in two indices of an alias, each with a photo of its own; a gallery has no nested faces.
    has_face = (
        f"{{nested: {{path: 'faces', ignore_unmapped: true, query: {{term: {{'faces.id': {face}}}}}}}}}"
    )
    both = f"must: [{{ids: {{values: [{document}]}}}}, {has_face}]"
    clause = f"{{bool: {{{both}, boost: 1000, _name: 'face:' + {face}}}}}"
    return f"{{bool: {{must: [{{match_all: {{}}}}], should: [{clause}]}}}}"


def chosen(index: str) -> Spec:
    """The data set ``chosen``: the face that the query vector builder takes for the same clauses, one row.

    It has ``document``, ``face`` (ids), ``crop``, ``name`` and what ``described`` gives; ``clicked`` is the
    id of the face that somebody clicked, null when nobody did: the newest is taken then.
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
        # Largest first: the first is the one that a builder takes when none is named.
        {"type": "filter", "expr": "datum.place === 1"},
    ]
    return search("chosen", index, body, "hits.hits", transform)


def choosing(mark: str, index: str) -> Spec:
    """The signal by which a click on a mark made by ``faces`` makes its face the chosen one.

    Rows need ``document``, ``face`` and ``name``; the data set ``chosen`` says what to take back.
    """
    before = "data('chosen')[0]"
    take_back = (
        f"length(data('chosen')) && {before}.clicked !== null"
        f" ? kibanaRemoveFilter({choice(f'{before}.document', f'{before}.clicked')}, '{index}') : 0"
    )
    label = "'Chosen face: ' + (datum.name ? datum.name : datum.document)"
    choose = f"kibanaAddFilter({choice('datum.document', 'datum.face')}, '{index}', {label})"
    return clicked(mark, f"[{take_back}, {choose}]")


def chosen_face(title: str, side: int, lines: list[str], top: int = HEADING) -> tuple[Spec, list[Spec]]:
    """A data set and the marks that show the chosen face, large, at a panel's left edge.

    Args:
        lines: expressions for the lines below it, of which the first stands out.
    """
    seed = {
        "name": "seed",
        "source": "chosen",
        "transform": [formula("x", "0"), formula("y", str(top))],
    }
    shown = "datum.name ? datum.name : 'not named'"
    about = f"{{title: {shown}, observer: datum.observer, when: datum.day, file: datum.file}}"
    marks = [heading(f"'{title}'"), *faces("seed_face", "seed", side, about)]
    for number, line in enumerate(lines):
        first_line = number == 0
        y = f"datum.y + {side} + {8 if first_line else 14 + 18 * number}"
        marks.append(
            caption("seed", line, "datum.x", y, side, strong=first_line, size=16 if first_line else 12)
        )
    return seed, marks
