"""Error curves, similarities and counts as charts in PNG."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from faces.error_rates.arrays import Rates, Scores
from faces.error_rates.det_curve import OperatingPoint
from faces.shown.lettering import drawn, lettering, shortened

INK, PALE, GRID = "#1c1e23", "#8a8f98", "#e6e8ed"
MAIN = "#0b64dd"
OTHERS = (
    ("#d55e00", (4, 2)),
    ("#009e73", (6, 2, 1, 2)),
    ("#b5539c", (2, 2)),
    ("#7a5c00", (8, 2)),
    ("#3aa5d8", (1, 1.5)),
    ("#c9a200", (3, 1, 1, 1, 1, 1)),
    ("#565b66", (5, 1)),
)
"""Colour and dashes, so that curves differ in print as well."""
SAME, DIFFERENT = "#0b64dd", "#d55e00"
BINS = 60
DPI = 160


@dataclass(frozen=True)
class Curve:
    """A method's false positive and false negative rates, at each threshold."""

    name: str
    points: tuple[OperatingPoint, ...]


@dataclass(frozen=True)
class Errors:
    """
    horizontal, vertical: what the false positives and false negatives are.
    floors: the smallest rates above 0 that were possible; curves without any error are drawn there.
    """

    horizontal: str
    vertical: str
    floors: tuple[float, float]
    curves: tuple[Curve, ...]


def error_curves(errors: Errors, main: str) -> bytes:
    """A DET curve of each method on logarithmic axes; ``main`` is bold."""
    # Imported here, as in faces/plotting.py, since it takes a second that only charts need.
    from matplotlib.figure import Figure

    with lettering(*(drawn(curve.name) for curve in errors.curves)):
        figure = Figure(figsize=(7.2, 4.6), facecolor="white", layout="constrained")
        axes = figure.subplots()
        looks = iter(OTHERS * len(errors.curves))
        shown = [_above(curve, errors.floors) for curve in errors.curves]
        lowest = np.min([rates.min(axis=0) for rates in shown], axis=0)
        for curve, rates in zip(errors.curves, shown, strict=True):
            across, up = rates.T
            if curve.name == main:
                axes.plot(across, up, color=MAIN, linewidth=2.4, label=drawn(curve.name), zorder=3)
            else:
                colour, dashes = next(looks)
                axes.plot(across, up, color=colour, linewidth=1.4, dashes=dashes, label=drawn(curve.name))
        axes.plot(
            [lowest.max(), 1],
            [lowest.max(), 1],
            color=PALE,
            linewidth=0.7,
            label="both errors equal",
            zorder=1,
        )
        axes.set(xscale="log", yscale="log", xlim=(lowest[0], 1), ylim=(lowest[1], 1))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(lambda rate, _: f"{100 * rate:g} %")
            axis.set_minor_formatter("")
        axes.set_xlabel(errors.horizontal)
        axes.set_ylabel(errors.vertical)
        _quiet(axes)
        axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), frameon=False, fontsize=9)
        return _png(figure)


def similarities(same: Scores, different: Scores, threshold: float) -> bytes:
    """Histograms of both kinds of pairs, each in shares of its own kind. The scores must be finite."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 3.4), facecolor="white", layout="constrained")
    axes = figure.subplots()
    everything = np.concatenate([same, different])
    edges = np.histogram_bin_edges(everything, bins=BINS)
    for scores, colour, name in ((different, DIFFERENT, "two people"), (same, SAME, "one person")):
        counts, _ = np.histogram(scores, bins=edges)
        shares = 100 * counts / max(1, len(scores))
        axes.stairs(shares, edges, fill=True, color=colour, alpha=0.25)
        axes.stairs(shares, edges, color=colour, linewidth=1.6, label=f"{name}: {len(scores):,} pairs")
    axes.axvline(threshold, color=INK, linewidth=1, linestyle="--", label=f"errors equal at {threshold:.3f}")
    axes.set_xlabel("similarity")
    axes.set_ylabel("share of the pairs of a kind, %")
    axes.set_ylim(bottom=0)
    _quiet(axes)
    axes.legend(frameon=False, fontsize=9)
    return _png(figure)


def bars(panels: Sequence[tuple[str, Mapping[str, int]]]) -> bytes:
    """Counts by name: a panel for each title, a bar for each name, in their order."""
    from matplotlib.figure import Figure

    rows = -(-len(panels) // 2)
    with lettering(*(drawn(name) for _, counts in panels for name in counts)):
        figure = Figure(figsize=(9.2, 2.9 * rows), facecolor="white", layout="constrained")
        for axes, (title, counts) in zip(
            figure.subplots(rows, 2, squeeze=False).flat,
            [*panels, *[("", {})] * (len(panels) % 2)],
            strict=True,
        ):
            axes.set_title(title, fontsize=10, loc="left", color=INK)
            if not counts:
                axes.axis("off")
                continue
            names = [shortened(name, 28) for name in counts]
            axes.barh(range(len(names)), list(counts.values()), color=MAIN, alpha=0.75)
            axes.set_yticks(range(len(names)), names)
            axes.invert_yaxis()
            _quiet(axes)
            axes.grid(visible=False, axis="y")
        return _png(figure)


def _above(curve: Curve, floors: tuple[float, float]) -> Rates:
    """(points, 2): no rate is zero, which has no logarithm."""
    rates = [(point.false_positive, point.false_negative) for point in curve.points]
    return np.maximum(np.array(rates, dtype=np.float64), floors)


def _quiet(axes: Any) -> None:
    axes.grid(color=GRID, linewidth=0.8)
    axes.set_axisbelow(True)
    for side in ("top", "right"):
        axes.spines[side].set_visible(False)
    for side in ("bottom", "left"):
        axes.spines[side].set_color(PALE)
    axes.tick_params(which="both", color=PALE, labelcolor=INK, labelsize=9)


def _png(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=DPI)
    return buffer.getvalue()
