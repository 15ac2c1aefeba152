"""Who decided what an export says."""

from __future__ import annotations

import pytest

from faces.decisions.entries import Decision, Operation
from faces.listing.exporting import _decided

ANN, BEN = {"label": "Ann"}, {"label": "Ben"}


class JournalOf:
    """Entries, newest first, as the journal yields them."""

    def __init__(self, *said: tuple[str, dict, dict]) -> None:
        self._said = said

    def decisions(self, name: str) -> list[Decision]:
        return [
            Decision(Operation(user, "label", user, f"at {user}"), "faces", "a", "a-0", before, after)
            for user, before, after in self._said
        ]


@pytest.mark.parametrize(
    ("said", "user"),
    [
        ([("new", BEN, ANN), ("old", {}, ANN)], "new"),
        ([("new", {}, ANN), ("between", ANN, {}), ("old", {}, ANN)], "new"),
        ([("new", ANN, BEN), ("old", {}, ANN)], None),
    ],
)
def test_the_last_word_counts(said, user):
    found = _decided(JournalOf(*said), "Ann")
    assert found == ({("faces", "a", "a-0"): (user, f"at {user}")} if user else {})
