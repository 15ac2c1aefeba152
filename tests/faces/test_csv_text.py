"""CSV: each text is one cell of text on one line."""

from __future__ import annotations

import csv

import pytest

from faces.shown.csv_text import row


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "=cmd|' /C calc'!A0"])
def test_what_a_spreadsheet_would_run_begins_with_an_apostrophe(text):
    assert next(csv.reader([row([text])])) == [f"'{text}"]


@pytest.mark.parametrize("text", ["Ann", "a,b", 'say "hi"', "李雷", "2026/ann.jpg", " =1", ""])
def test_other_text_is_as_it_is(text):
    assert next(csv.reader([row(["first", text])])) == ["first", text]


def test_numbers_stay_numbers_nothing_is_empty_and_a_line_break_is_no_new_row():
    assert row([-0.5, 12, None, "a\nb"]) == "-0.5,12,,a\\nb"
    assert row(["\t=1"]).startswith("\\t")
