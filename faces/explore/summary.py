"""What was found in an index, as lines of text for the terminal and the page."""

from __future__ import annotations

from collections.abc import Iterator

from faces.explore.exploration import Exploration
from faces.explore.overview import Overview
from faces.explore.suspects import SamePhoto


def summary(counted: Overview) -> Iterator[str]:
    """What the index holds, a line each."""
    yield (
        f"{counted.photos:,} photos: {counted.with_faces:,} with faces, {counted.without_face:,} without, "
        f"{counted.failed:,} failed" + (f", {counted.waiting:,} not processed yet" if counted.waiting else "")
    )
    unnamed = "" if counted.unnamed_faces is None else f", {counted.unnamed_faces:,} of them without a name"
    yield f"{counted.faces:,} faces{unnamed}"
    if counted.quality:
        yield (
            f"quality of a photo's best face: median {counted.quality[0.5]:.2f}, "
            f"5 % below {counted.quality[0.05]:.2f}"
        )
    for what, number, counts in (
        ("people", counted.people, counted.by_person),
        ("observers", counted.observers, counted.by_observer),
    ):
        if counts:
            named = ", ".join(f"{name} {count:,}" for name, count in counts.items())
            yield f"{number:,} {what}: {named}" + (", …" if number > len(counts) else "")
    if counted.by_time:
        yield f"from {next(iter(counted.by_time))} to {next(reversed(counted.by_time))}"


def comparison(found: Exploration) -> Iterator[str]:
    faces = found.faces
    if faces.cut:
        yield (
            f"compared: {len(faces.faces):,} of {faces.total:,} faces, those of the newest photos "
            "(--limit compares more)"
        )
    yield f"model {faces.model}; faces match from a similarity of {found.threshold}"


def how_alike(copies: SamePhoto) -> str:
    return "the same file" if copies.same_file else f"{copies.bits} of 64 bits differ"
