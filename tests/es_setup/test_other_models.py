"""What to do about an index of another model, in words."""

from __future__ import annotations

import pytest

from es_setup.other_models import what_to_do
from ingest_service.registry import MODELS
from ingest_service.settings import Settings, SettingsError
from ingest_service.successors import SUCCESSORS


@pytest.mark.parametrize("held", sorted(SUCCESSORS))
@pytest.mark.parametrize("served", [None, "facenet-99ac6764"])
def test_an_index_of_a_profile_that_is_no_longer_served_is_led_to_its_successor(held, served):
    said = what_to_do(f"{held}-01234567", served)
    with pytest.raises(SettingsError):
        Settings.from_environment({"FACES_PROFILE": held})
    assert f"FACES_PROFILE={held}" not in said.replace(",", " ").split()
    assert f"the last that serves [{held}]" in said
    assert f"FACES_PROFILE={SUCCESSORS[held]}," in said
    assert SUCCESSORS[held] in MODELS


@pytest.mark.parametrize("held", sorted(SUCCESSORS))
def test_a_service_of_the_successor_needs_no_other_profile(held):
    said = what_to_do(f"{held}-01234567", f"{SUCCESSORS[held]}-01234567")
    assert "FACES_PROFILE=" not in said
    assert "To switch, run `faces install --new-indices`" in said
