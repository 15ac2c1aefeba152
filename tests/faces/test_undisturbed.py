"""A search while other indices take the place of those behind a name."""

from __future__ import annotations

from typing import Any

import pytest

from es_setup.other_models import OtherModel
from faces import undisturbed as module
from faces.searchable import Searchable
from faces.undisturbed import undisturbed

OLD = Searchable("faces", (), {"faces-000001": {"model": "facenet-1"}}, ())
NEW = Searchable("faces", (), {"faces-000002": {"model": "sface-1", "reembedded_from": "faces-000001"}}, ())
ES: Any = None


@pytest.fixture
def behind(monkeypatch) -> list[Searchable]:
    """What the name leads to: the first one at first, in the end the last one."""
    found: list[Searchable] = []
    monkeypatch.setattr(module, "searchable", lambda *_: found.pop(0) if len(found) > 1 else found[0])
    monkeypatch.setattr(module, "FIRST_WAIT", 0)
    return found


def test_what_was_found_in_the_old_indices_is_not_returned_if_new_ones_took_their_place(behind):
    behind += [OLD, NEW]
    assert undisturbed(ES, "faces", lambda where: list(where.recorded)) == ["faces-000002"]


def test_where_two_models_meet_it_is_asked_again(behind):
    behind.append(NEW)
    problems = [OtherModel("not yet"), OtherModel("not yet")]

    def ask(where: Searchable) -> str:
        if problems:
            raise problems.pop()
        return "found"

    assert undisturbed(ES, "faces", ask) == "found"


def test_another_model_where_nothing_was_exchanged_is_an_error_at_once(behind):
    behind.append(OLD)
    asked = []

    def ask(where: Searchable) -> None:
        asked.append(where)
        raise OtherModel("another service")

    with pytest.raises(OtherModel):
        undisturbed(ES, "faces", ask)
    assert len(asked) == 1
