"""Which photos the demo indexes, and which it uses as queries."""

from __future__ import annotations

import re

import pytest

from faces.demo import DemoError, plan_folder
from faces.photo_folders.reading import read_folder


@pytest.fixture
def folder(tmp_path):
    """30 people with two photos each, one person with one, and a photo outside of all people's folders."""
    for number in range(30):
        person = tmp_path / f"Person_{number:02}"
        person.mkdir()
        for photo in range(2):
            (person / f"{photo}.jpg").touch()
    (tmp_path / "Loner").mkdir()
    (tmp_path / "Loner" / "only.jpg").touch()
    (tmp_path / "loose.jpg").touch()
    (tmp_path / "notes.txt").touch()
    return tmp_path


def test_with_labels_one_photo_of_each_of_25_people_is_a_query_and_left_out(folder):
    plan = plan_folder(folder, labelled=True, query=None)
    assert len(plan.queries) == 25
    assert len({photo.label for photo in plan.queries}) == 25
    assert not set(plan.queries) & set(plan.to_index)
    assert len(plan.to_index) == 62 - 25
    assert {photo.label for photo in plan.queries} <= {photo.label for photo in plan.to_index}


def test_without_labels_25_of_the_indexed_photos_are_queries_and_none_has_a_label(folder):
    plan = plan_folder(folder, labelled=False, query=None)
    assert len(plan.to_index) == 62
    assert len(plan.queries) == 25
    assert set(plan.queries) <= set(plan.to_index)
    assert {photo.label for photo in plan.to_index} == {None}


def test_with_a_query_nothing_is_left_out(folder):
    plan = plan_folder(folder, labelled=True, query="Person_03/1.jpg")
    assert len(plan.to_index) == 62
    assert [photo.name for photo in plan.queries] == ["Person_03/1.jpg"]
    assert plan.queries[0].label == "Person 03"


def test_a_query_from_elsewhere_is_searched_for_and_not_indexed(folder, tmp_path_factory):
    elsewhere = tmp_path_factory.mktemp("elsewhere") / "who.jpg"
    elsewhere.touch()
    plan = plan_folder(folder, labelled=True, query=str(elsewhere))
    assert [photo.path for photo in plan.queries] == [elsewhere]
    assert len(plan.to_index) == 62


def test_an_absent_query_and_an_empty_folder_are_refused_by_name(folder, tmp_path_factory):
    with pytest.raises(DemoError, match=r"\[nobody\.jpg\]"):
        plan_folder(folder, labelled=True, query="nobody.jpg")
    empty = tmp_path_factory.mktemp("empty")
    with pytest.raises(DemoError, match=re.escape(str(empty))):
        plan_folder(empty, labelled=False, query=None)


def test_a_label_is_the_folders_name_and_a_loose_photo_has_none(folder):
    labels = {photo.name: photo.label for photo in read_folder(folder, labels_from_folders=True).photos}
    assert labels["Person_03/1.jpg"] == "Person 03"
    assert labels["loose.jpg"] is None
    assert "notes.txt" not in labels
