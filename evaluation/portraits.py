"""What further portraits of a person bring: enrolment with 1, 2 and 5 photos, and with 1 to 5.

A person with several portraits is as similar to a face as the best portrait (``best``), or as the mean of the
portraits' unit vectors, scaled to length 1 (``mean``: one template a person). Every row of a gallery has the
same people, the same searches, and the same draws of the bootstrap, so that rows can be compared.

FNIR is compared at equal FPIR, because either way strangers are more similar to people with more portraits.
How far a threshold that was chosen for one portrait a person misses its FPIR then is measured too.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from faces.error_rates.arrays import Flags, People, Positions, Scores, Vectors
from faces.error_rates.identification import (
    Identification,
    Roles,
    Searches,
    open_set,
    pooled,
    searches_by,
)
from faces.error_rates.ratio import Ratio
from faces.error_rates.search_rates import fnir, fpir
from faces.error_rates.similarity import AT_ONCE, cosine, normalized, without_face

COUNTS = (1, 2, 5)
"""Portraits a person."""
MOST = max(COUNTS)
MIXED = f"1 to {MOST}"
STATED_FPIR = 0.01
"""At which a threshold for one portrait a person is chosen."""
FEWEST_PEOPLE = 20
"""Intervals resample people, and FNIR counts single searches: with fewer, neither says much."""
ROUNDS = 10
"""How often the portraits are drawn. The searches of all rounds are pooled."""

Template = Callable[[Vectors, Vectors, Positions], Scores]
"""(n, dims) faces; (e, dims) portraits, those of a person side by side; (g,) where each person's begin ->
(n, g) similarities to the people. NaN stands for a photo without a face; -inf is the similarity to somebody
without a portrait that has one."""


@dataclass(frozen=True)
class Shared:
    """FPIR and FNIR at the threshold at which one portrait a person has the `STATED_FPIR`."""

    fpir: float
    fnir: float


@dataclass(frozen=True)
class Enrolment:
    """What searches find with a number of portraits a person, and a way to score a person by them.

    portraits: ``1``, ``2``, ``5`` or ``1 to 5``.
    template: ``best`` or ``mean``; with one portrait they are the same, and it is ``best``.
    over_best: FNIR over that of the best portrait, at each FPIR of ``found``; None for ``best``.
    over_one: FNIR over that of one portrait, likewise; None for one portrait.
    shared: at a threshold for one portrait; None where there are too few searches to choose it.
    """

    portraits: str
    template: str
    found: Identification
    over_best: tuple[Ratio | None, ...] | None
    over_one: tuple[Ratio | None, ...] | None
    shared: Shared | None

    def as_json(self) -> dict[str, Any]:
        """Without the curve and the draws of the bootstrap, which are long."""
        facts: dict[str, Any] = asdict(self)
        found: dict[str, Any] = facts.pop("found")
        del found["det"]
        for misses in found["misses"]:
            del misses["draws"]
        return facts | found


@dataclass(frozen=True)
class PortraitGallery:
    """
    people: enrolled.
    probes: searches for them in a round; strangers: searches for others, the same in every round.
    rows: one portrait first.
    """

    people: int
    probes: int
    strangers: int
    rows: tuple[Enrolment, ...]

    def as_json(self) -> dict[str, Any]:
        sizes = {"people": self.people, "probes": self.probes, "strangers": self.strangers}
        return {**sizes, "rows": [row.as_json() for row in self.rows]}


@dataclass(frozen=True)
class PortraitRates:
    """
    equal: everybody has as many portraits; of all who have more than `MOST` photos.
    mixed: everybody has a number of their own, as in a real gallery; of all who have two photos or more.
    """

    equal: PortraitGallery
    mixed: PortraitGallery

    def as_json(self) -> dict[str, Any]:
        return {"rounds": ROUNDS, "equal": self.equal.as_json(), "mixed": self.mixed.as_json()}


def portrait_rates(vectors: Vectors, people: People, draws: int = 200, seed: int = 0) -> PortraitRates | str:
    """The rates, or why they can't be measured.

    Args:
        vectors: (photos, dims); NaN for a photo without a face.
        people: (photos,) numbers from 0.
        draws: of the bootstrap.
        seed: of the portraits and of the bootstrap; equal input and seed give an equal result.
    """
    photos = np.bincount(people)
    able = int((photos > MOST).sum())
    if able < FEWEST_PEOPLE:
        return (
            f"not measured: {MOST} portraits and a search take {MOST + 1} photos, which {able} people have; "
            f"{FEWEST_PEOPLE} are needed, and others who aren't enrolled"
        )
    generator = np.random.default_rng(seed)
    same = {str(count): np.full(len(photos), count) for count in COUNTS}
    own = np.minimum(generator.integers(1, MOST, len(photos), endpoint=True), np.maximum(photos - 1, 1))
    mixed = {"1": np.ones_like(own), MIXED: own}
    return PortraitRates(
        equal=_gallery(vectors, people, same, _rounds(people, photos > MOST, generator), draws, seed),
        mixed=_gallery(vectors, people, mixed, _rounds(people, photos > 1, generator), draws, seed),
    )


def best(faces: Vectors, portraits: Vectors, starts: Positions) -> Scores:
    """The similarity of each person's best portrait."""
    similar = cosine(faces, portraits)
    similar[np.isnan(similar)] = -np.inf
    return np.asarray(np.maximum.reduceat(similar, starts, axis=1))


def mean(faces: Vectors, portraits: Vectors, starts: Positions) -> Scores:
    """The similarity to the mean of each person's unit vectors."""
    missing = without_face(portraits)
    units = np.where(missing[:, np.newaxis], 0, normalized(portraits))
    similar = cosine(faces, np.add.reduceat(units, starts, axis=0))
    similar[:, np.logical_and.reduceat(missing, starts)] = -np.inf
    similar[np.isnan(similar)] = -np.inf
    return similar


TEMPLATES: Mapping[str, Template] = {"best": best, "mean": mean}


@dataclass(frozen=True)
class _Round:
    """A random order of the photos of the people who are enrolled.

    photos: (n,) those of a person side by side.
    places: (n,) of each photo among its person's, from 0: the first ones are the portraits.
    """

    photos: Positions
    places: Positions


def _rounds(people: People, enrolled: Flags, generator: np.random.Generator) -> list[_Round]:
    """enrolled: (people,) who is."""
    rounds = []
    for _ in range(ROUNDS):
        shuffled = generator.permutation(np.flatnonzero(enrolled[people]))
        photos = shuffled[np.argsort(people[shuffled], kind="stable")]
        _, starts, counts = np.unique(people[photos], return_index=True, return_counts=True)
        rounds.append(_Round(photos, np.arange(len(photos)) - np.repeat(starts, counts)))
    return rounds


def _gallery(
    vectors: Vectors,
    people: People,
    numbers: Mapping[str, Positions],
    rounds: Sequence[_Round],
    draws: int,
    seed: int,
) -> PortraitGallery:
    """numbers: for each row, (people,) how many portraits each has; one portrait first."""
    strangers = np.setdiff1d(np.arange(len(people)), rounds[0].photos)
    reserved = np.max(list(numbers.values()), axis=0)
    rows: dict[tuple[str, str], tuple[Searches, Identification]] = {}
    for portraits, number in numbers.items():
        parts = [_roles(people, drawn, number, reserved, strangers) for drawn in rounds]
        for name in TEMPLATES if number.max() > 1 else ("best",):
            searches = pooled([_searched(vectors, people, part, TEMPLATES[name]) for part in parts])
            rows[portraits, name] = searches, open_set(searches, draws, seed)
    one = rows["1", "best"][1]
    threshold = next(misses.threshold for misses in one.misses if misses.fpir == STATED_FPIR)
    return PortraitGallery(
        people=len(np.unique(people[rounds[0].photos])),
        probes=one.probes // ROUNDS,
        strangers=one.unenrolled // ROUNDS,
        rows=tuple(
            Enrolment(
                portraits,
                name,
                found,
                over_best=None if name == "best" else _ratios(found, rows[portraits, "best"][1]),
                over_one=None if found is one else _ratios(found, one),
                shared=None if threshold is None else _at(searches, threshold),
            )
            for (portraits, name), (searches, found) in rows.items()
        ),
    )


def _roles(
    people: People, drawn: _Round, number: Positions, reserved: Positions, strangers: Positions
) -> Roles:
    """(people,) each: how many portraits there are, and how many photos no row searches with."""
    owners = people[drawn.photos]
    return Roles(
        enrolled=drawn.photos[drawn.places < number[owners]],
        probes=drawn.photos[drawn.places >= reserved[owners]],
        unenrolled=strangers,
    )


def _searched(vectors: Vectors, people: People, parts: Roles, template: Template) -> Searches:
    """Searches of which a hit is a person, by the position of a portrait of theirs."""
    owners, starts = np.unique(people[parts.enrolled], return_index=True)

    def best_hits(photos: Positions) -> tuple[Positions, Scores]:
        hits, scores = np.empty(len(photos), dtype=np.int64), np.empty(len(photos), dtype=np.float32)
        for start in range(0, len(photos), AT_ONCE):
            rows = slice(start, start + AT_ONCE)
            some = photos[rows]
            similar = template(vectors[some], vectors[parts.enrolled], starts)
            at = _nearest(similar, owners == people[some][:, np.newaxis])
            scores[rows] = similar[np.arange(len(some)), at]
            hits[rows] = np.where(scores[rows] == -np.inf, -1, parts.enrolled[starts[at]])
        return hits, scores

    return searches_by(best_hits, vectors, people, parts)


def _nearest(similar: Scores, own: Flags) -> Positions:
    """(n,): of each row the highest; of a tie one that isn't ``own``, as in `similarity.nearest`."""
    mate, rival = np.where(own, similar, -np.inf), np.where(own, -np.inf, similar)
    return np.where(mate.max(axis=1) > rival.max(axis=1), mate.argmax(axis=1), rival.argmax(axis=1))


def _ratios(ours: Identification, theirs: Identification) -> tuple[Ratio | None, ...]:
    """FNIR over FNIR at each FPIR; None where there are too few searches to state them."""
    pairs = zip(ours.misses, theirs.misses, strict=True)
    return tuple(
        None
        if own.fnir is None or other.fnir is None
        else Ratio.of(own.fnir, other.fnir, own.draws, other.draws)
        for own, other in pairs
    )


def _at(searches: Searches, threshold: float) -> Shared:
    mates = np.where(searches.right, searches.scores, -np.inf)
    thresholds = np.array([threshold])
    (false_hits,) = fpir(searches.false_hit_scores, thresholds, len(searches.false_hit_scores))
    (missed,) = fnir(mates, thresholds, len(mates))
    return Shared(float(false_hits), float(missed))
