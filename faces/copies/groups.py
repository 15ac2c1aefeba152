"""Which things belong together, from pairs of them: union-find (Galler and Fischer 1964)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

Member = TypeVar("Member", bound=Hashable)


class Groups(Generic[Member]):
    """Members that were joined, directly or by others. Only those that were joined take memory."""

    def __init__(self) -> None:
        self._above: dict[Member, Member] = {}

    def join(self, members: Iterable[Member]) -> None:
        """Puts all of them into one group."""
        first, *others = members
        top = self._top(first)
        for other in others:
            self._above[self._top(other)] = top

    def all(self) -> list[list[Member]]:
        """The members of each group, in the order in which they came."""
        found: dict[Member, list[Member]] = defaultdict(list)
        for member in self._above:
            found[self._top(member)].append(member)
        return list(found.values())

    def _top(self, member: Member) -> Member:
        self._above.setdefault(member, member)
        while (above := self._above[member]) != member:
            # Half the way at each step, so that ways stay short.
            self._above[member] = member = self._above[above]
        return member
