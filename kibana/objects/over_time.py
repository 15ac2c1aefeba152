"""Vega charts over time whose axis fits the data, not the board's time range.

Lens draws its time axis over the board's whole range, here all time, and would squeeze all data into one bar.
So the search asks for buckets of seconds, minutes, hours and so on up to years, and the chart takes the
finest resolution that fits its width and whose buckets all came.
"""

from __future__ import annotations

from typing import Any

from kibana.objects.panel import Panel
from kibana.objects.vega import Spec, counts, each, formula, panel
from kibana.objects.vega_marks import ACCENT, nothing_found

MOST = 2000
"""The most buckets of one resolution to ask for, over all series."""
WIDEST = 120
"""The most buckets that fit beside each other."""
RESOLUTIONS = {
    "seconds": ({"fixed_interval": "1s"}, 1),
    "minutes": ({"calendar_interval": "minute"}, 60),
    "hours": ({"calendar_interval": "hour"}, 3600),
    "day": ({"calendar_interval": "day"}, 86400),
    "week": ({"calendar_interval": "week"}, 604800),
    "month": ({"calendar_interval": "month"}, 2592000),
}
"""Vega's time unit -> (Elasticsearch's interval, its seconds), finest first. Where none fits: years."""
YEARS = {"calendar_interval": "year"}
COLORS = ["#54B399", "#6092C0", "#D36086", "#9170B8", "#D6BF57", "#DA8B45", "#AA6556", "#98A2B3"]


def stacked(
    key: str,
    title: str,
    index: str,
    time_field: str,
    split: str,
    summed: str | None = None,
    colors: dict[str, str] | None = None,
    without: str = "none",
    description: str = "",
) -> Panel:
    """Bars that count documents or sum a field, stacked by the values of ``split``.

    Args:
        summed: the field to sum; None: count documents.
        colors: value of ``split`` -> colour; None: by rank, the largest series first.
        without: the name for documents without a value of ``split``.
    """
    value = {"value": {"sum": {"field": summed}}} if summed else {}
    sources = [{"series": {"terms": {"field": split, "missing_bucket": True}}}]
    amount = "datum.bucket.value.value" if summed else "datum.bucket.doc_count"
    rows = [
        formula("series", f"datum.bucket.key.series === null ? '{without}' : datum.bucket.key.series"),
        formula("amount", amount),
        # There are only a few colours: the smallest series are drawn as one.
        {
            "type": "joinaggregate",
            "groupby": ["series"],
            "fields": ["amount"],
            "ops": ["sum"],
            "as": ["of_series"],
        },
        {
            "type": "window",
            "sort": {"field": ["of_series", "series"], "order": ["descending", "ascending"]},
            "ops": ["dense_rank"],
            "as": ["rank"],
        },
        {"type": "joinaggregate", "fields": ["series"], "ops": ["distinct"], "as": ["kinds"]},
        formula("small", f"datum.kinds > {len(COLORS)} && datum.rank >= {len(COLORS)}"),
        formula("series", "datum.small ? '(others)' : datum.series"),
        formula("rank", f"datum.small ? {len(COLORS)} : datum.rank"),
        {
            "type": "aggregate",
            "groupby": ["when", "until", "day", "series", "rank"],
            "fields": ["amount"],
            "ops": ["sum"],
            "as": ["amount"],
        },
        {
            "type": "stack",
            "groupby": ["when"],
            "field": "amount",
            "sort": {"field": "rank"},
            "as": ["low", "high"],
        },
    ]
    # An empty legend would take all the room.
    scale: Spec = {
        "domain": {"signal": "length(data('kinds')) ? pluck(data('kinds'), 'series') : ['']"},
        "range": COLORS,
    }
    if colors:
        scale = {"domain": list(colors), "range": list(colors.values())}
    tooltip = "{title: datum.series, from: datum.day, amount: datum.amount}"
    bars = {
        "name": "bar",
        "type": "rect",
        "from": {"data": "rows"},
        "encode": {
            "update": {
                "x": {"scale": "x", "field": "when"},
                "x2": {"scale": "x", "signal": "datum.until", "offset": -1},
                "y": {"scale": "y", "field": "low"},
                "y2": {"scale": "y", "field": "high"},
                "fill": {"scale": "color", "field": "series"},
                "tooltip": {"signal": tooltip},
            }
        },
    }
    spec = _chart(index, time_field, sources, value, rows, "high", scale)
    by_rank = [
        {"type": "aggregate", "groupby": ["series", "rank"]},
        {"type": "collect", "sort": {"field": "rank"}},
    ]
    spec["data"].append({"name": "kinds", "source": "rows", "transform": by_rank})
    spec["marks"] = [bars, nothing_found("rows", "Nothing in this time range")]
    return panel(key, title, spec, description)


def durations(key: str, title: str, index: str, time_field: str, field: str, description: str = "") -> Panel:
    """Two curves in a unit that fits: median and 95th percentile of ``field``, which is in nanoseconds."""
    value = {"value": {"percentiles": {"field": field, "percents": [50, 95]}}}
    rows = [
        formula("pairs", "[['median', '50.0'], ['95th percentile', '95.0']]"),
        {"type": "flatten", "fields": ["pairs"], "as": ["pair"]},
        formula("series", "datum.pair[0]"),
        formula("raw", "datum.bucket.value.values[datum.pair[1]]"),
        {"type": "filter", "expr": "isValid(datum.raw) && isFinite(datum.raw)"},
        formula("middle", "(datum.when + datum.until) / 2"),
        {"type": "extent", "field": "raw", "signal": "extent"},
        formula("amount", "datum.raw / unit.nanoseconds"),
    ]
    scale = {"domain": ["median", "95th percentile"], "range": [ACCENT, "#DA8B45"]}
    tooltip = "{title: datum.series, from: datum.day, took: format(datum.amount, ',.3~r') + ' ' + unit.name}"
    encode = {
        "x": {"scale": "x", "field": "middle"},
        "y": {"scale": "y", "field": "amount"},
        "stroke": {"scale": "color", "field": "series"},
    }
    curves = {
        "type": "group",
        "from": {"facet": {"name": "line", "data": "rows", "groupby": "series"}},
        "marks": [
            {
                "type": "line",
                "from": {"data": "line"},
                "encode": {"update": {**encode, "strokeWidth": {"value": 2}}},
            },
            {
                "name": "point",
                "type": "symbol",
                "from": {"data": "line"},
                "encode": {
                    "update": {
                        **encode,
                        "fill": {"scale": "color", "field": "series"},
                        "size": {"value": 30},
                        "tooltip": {"signal": tooltip},
                    }
                },
            },
        ],
    }
    spec = _chart(index, time_field, [], value, rows, "amount", scale)
    spec["signals"].append(
        {"name": "unit", "update": _unit("(extent ? max(abs(extent[0]), abs(extent[1])) : 0)")}
    )
    spec["axes"][1]["title"] = {"signal": "unit.name"}
    spec["marks"] = [curves, nothing_found("rows", "Nothing in this time range")]
    return panel(key, title, spec, description)


def _unit(nanoseconds: str) -> str:
    """An expression for the largest unit of which ``nanoseconds`` has at least two."""
    units = {"days": 864e11, "hours": 36e11, "minutes": 6e10, "seconds": 1e9}
    cases = "".join(
        f"{nanoseconds} >= {2 * length:.0f} ? {{name: '{name}', nanoseconds: {length:.0f}}} : "
        for name, length in units.items()
    )
    return cases + "{name: 'milliseconds', nanoseconds: 1000000}"


def _chart(
    index: str,
    time_field: str,
    sources: list[Spec],
    value: Spec,
    rows: list[Spec],
    top: str,
    color: Spec,
) -> Spec:
    """A specification without its marks.

    Args:
        sources: of the composite aggregation, beside the date.
        value: the aggregation of each bucket; empty: none.
        rows: transforms of rows that have ``bucket``, and ``when`` and ``until`` in milliseconds.
        top: the field that the y axis must have room for.
        color: the domain and range of the colours.
    """
    intervals = {name: interval for name, (interval, _) in RESOLUTIONS.items()} | {"year": YEARS}
    aggs: dict[str, Any] = {
        name: {
            "composite": {
                "size": MOST,
                "sources": [
                    # If there are too many buckets, the oldest are left out.
                    {"when": {"date_histogram": {"field": time_field, "order": "desc", **interval}}},
                    *sources,
                ],
            },
            **({"aggs": value} if value else {}),
        }
        for name, interval in intervals.items()
    }
    aggs |= {"first": {"min": {"field": time_field}}, "last": {"max": {"field": time_field}}}
    answer = "data('answer')[0].aggregations"
    fits = " : ".join(
        f"({answer}.last.value - {answer}.first.value) / 1000 <= {WIDEST * seconds}"
        f" && length({answer}.{name}.buckets) < {MOST} ? '{name}'"
        for name, (_, seconds) in RESOLUTIONS.items()
    )
    data: list[Spec] = [
        counts("answer", index, time_field, aggs, []),
        {
            "name": "rows",
            "source": "answer",
            "transform": [
                *each("datum.aggregations[resolution].buckets", "bucket"),
                formula("when", "toNumber(datum.bucket.key.when)"),
                formula("until", "toNumber(utcOffset(resolution, datum.when))"),
                formula("day", "utcFormat(datum.when, '%Y-%m-%d %H:%M')"),
                *rows,
            ],
        },
        {
            "name": "span",
            "source": "rows",
            "transform": [
                {
                    "type": "aggregate",
                    "fields": ["when", "until"],
                    "ops": ["min", "max"],
                    "as": ["low", "high"],
                }
            ],
        },
    ]
    return {
        "signals": [{"name": "resolution", "update": f"length(data('answer')) ? {fits} : 'year' : 'year'"}],
        "data": data,
        "scales": [
            {
                "name": "x",
                "type": "utc",
                "range": "width",
                "domain": {
                    "signal": "length(data('span')) ? [data('span')[0].low, data('span')[0].high] : [0, 1]"
                },
            },
            {
                "name": "y",
                "type": "linear",
                "range": "height",
                "nice": True,
                "zero": True,
                "domain": {"data": "rows", "field": top},
            },
            {"name": "color", "type": "ordinal", **color},
        ],
        "axes": [
            {
                "orient": "bottom",
                "scale": "x",
                "labelOverlap": True,
                "tickCount": 6,
                "title": {
                    "signal": "length(data('span'))"
                    " ? 'from ' + utcFormat(data('span')[0].low, '%Y-%m-%d %H:%M UTC') : ''"
                },
            },
            {
                "orient": "left",
                "scale": "y",
                "grid": True,
                "tickCount": 4,
                "domain": False,
            },
        ],
        "legends": [{"fill": "color", "orient": "right", "symbolType": "circle"}],
    }
