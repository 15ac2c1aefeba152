"""A table of who is who."""

from __future__ import annotations

import pytest

from faces.decisions.assignments import BadTable, assignments
from ingest_service.errors import WrongArguments


def test_the_columns_of_a_table_that_lacks_one_are_named():
    with pytest.raises(BadTable) as refused:
        list(assignments("foo,bar\n1,2\n"))
    assert isinstance(refused.value, WrongArguments)
    assert "[foo], [bar]" in str(refused.value)
