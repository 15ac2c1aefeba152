"""The marks that our Vega panels share: pictures of faces, bars, captions and headings.

Pictures are ``data:`` addresses, for which Kibana needs ``vis_type_vega.enableExternalUrls: true``. Without
it a panel still shows its texts.
"""

from __future__ import annotations

from kibana.objects.vega import Spec, formula, numbered
from kibana.verdicts import Verdicts

STRONG_COLOR, POSSIBLE_COLOR, UNLIKELY_COLOR = "#54B399", "#D6BF57", "#98A2B3"
ACCENT = "#6092C0"
VERDICT_COLOR = (
    f"datum.similarity >= strong ? '{STRONG_COLOR}' : "
    f"datum.similarity >= possible ? '{POSSIBLE_COLOR}' : '{UNLIKELY_COLOR}'"
)
VERDICT = "datum.similarity >= strong ? 'strong' : datum.similarity >= possible ? 'possible' : 'unlikely'"
"""For panels that have ``verdict_signals``."""

HEADING = 26
"""Height of a heading's first line, in pixels."""
LINE = 16
"""Height of each further line of a heading, in pixels."""


def verdict_signals(verdicts: Verdicts) -> list[Spec]:
    """The signals of ``VERDICT``, ``VERDICT_COLOR`` and ``score``; ``verdicts`` has these as text."""
    return [
        {"name": "strong", "value": verdicts.thresholds.strong},
        {"name": "possible", "value": verdicts.thresholds.possible},
        {"name": "places", "value": verdicts.places},
        {"name": "verdicts", "value": verdicts.words},
    ]


def score(places: str = "places") -> str:
    """An expression for the similarity, rounded down so that 0.459 doesn't seem to reach 0.46.

    Args:
        places: an expression; by default as many as the thresholds have.
    """
    return f"format(floor(datum.similarity * pow(10, {places})) / pow(10, {places}), '.' + {places} + 'f')"


def percent(probability: str) -> str:
    """An expression for a probability in percent, rounded down so that no probability reads as certain."""
    return f"floor({probability} * 100) + ' %'"


def tiles(
    data: str, width: int, height: int, left: int = 0, top: int = HEADING
) -> tuple[list[Spec], list[Spec]]:
    """Signals and transforms that lay rows out as tiles below the headings. Rows that don't fit are dropped.

    The rows get ``x`` and ``y``, the upper left corner of their tile.

    Args:
        width, height: of a tile, in pixels; the rest of the panel's width goes between the tiles.
        left, top: pixels of the panel to leave free.
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
    """Pictures at (x, y) in squares of ``side`` pixels: the mark ``name``, and behind it the mark
    ``<name>_plate``, which is visible where Kibana shows no pictures.

    Args:
        tooltip: an expression.
        field: a row's picture, JPEG in base64, or null.
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
    """A signal that evaluates ``update`` after a click on the mark ``name`` of ``faces``."""
    return {
        "name": f"{name}_clicked",
        "on": [{"events": f"@{name}:click, @{name}_plate:click", "update": update}],
    }


def beside(marks: list[Spec], pixels: int) -> list[Spec]:
    """The marks, moved to the right."""
    return [
        {**mark, "encode": {"update": {**mark["encode"]["update"], "x": {"field": "x", "offset": pixels}}}}
        for mark in marks
    ]


def verdict_bar(data: str, side: int) -> Spec:
    """A bar below a face: its length is the similarity, its colour the verdict."""
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
    """A line of text, truncated to ``limit``.

    Args:
        text, x, y: expressions; ``y`` is the text's upper edge.
        limit: in pixels.
        where: an expression; a row has a text only where it is true.
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
    """A line of text at the top of a panel.

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
    """The heading of tiles: what they show, and how many there are.

    Args:
        of: an expression for the total, if it is known.
        by: an expression for the meaning of their colours.
    """
    shown = f"'{what}: ' + length(data('{data}'))" + (f" + ' of ' + ({of})" if of else "")
    shown += f" + ' · ' + {by}" if by else ""
    return heading(f"length(data('{data}')) ? {shown} : ''", left)


def nothing_found(data: str, text: str) -> Spec:
    """The text of a panel without rows."""
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
