"""The ids of groups: those of before stay, as photos arrive."""

from __future__ import annotations

import base64
import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from itertools import count

LETTERS = 6
"""Of an id, from 32: among 100,000 groups five have an id that one of them takes first, and take another."""


def group_ids(
    clusters: Sequence[int | None], before: Sequence[str | None], faces: Sequence[str], fewest: int
) -> list[str | None]:
    """The group of each face; None without one. The same for the same arguments.

    A cluster keeps the id of the group of before with which it shares most faces; if two would keep one id,
    the one that shares more. Others get a new one.

    Args:
        clusters: of each face; None if it can't be in a group.
        before: the group that each face was in.
        faces: their ids, from which new ids are made.
        fewest: faces of a group.
    """
    members: dict[int, list[int]] = defaultdict(list)
    for face, cluster in enumerate(clusters):
        if cluster is not None:
            members[cluster].append(face)
    large = {cluster: own for cluster, own in members.items() if len(own) >= fewest}
    kept = _kept(large, before)
    taken = {group for group in before if group is not None}
    groups: list[str | None] = [None] * len(clusters)
    for cluster, own in large.items():
        group = kept.get(cluster) or _new(min(faces[face] for face in own), taken)
        taken.add(group)
        for face in own:
            groups[face] = group
    return groups


def _kept(members: dict[int, list[int]], before: Sequence[str | None]) -> dict[int, str]:
    shared = Counter(
        (group, cluster)
        for cluster, own in members.items()
        for face in own
        if (group := before[face]) is not None
    )
    kept: dict[int, str] = {}
    used = set()
    for (group, cluster), _ in sorted(shared.items(), key=lambda one: (-one[1], one[0])):
        if cluster not in kept and group not in used:
            kept[cluster] = group
            used.add(group)
    return kept


def _new(face: str, taken: Collection[str]) -> str:
    """From the id of one of its faces, so that a run that was killed gives the same id again."""
    for attempt in count():
        digest = hashlib.sha256(f"{face}\n{attempt}".encode()).digest()
        group = f"g{base64.b32encode(digest).decode()[:LETTERS].lower()}"
        if group not in taken:
            return group
    raise AssertionError
