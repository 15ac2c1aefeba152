"""Each program of the docs that sends photos, with a real client, while the inference service is away."""

from __future__ import annotations

import pytest
from client_programs import PHOTOS, PROGRAMS
from tools import bracketed


def stored(es, ids) -> dict[str, str]:
    """Of these documents, those that are stored with a face: id -> path."""
    answer = es.mget(index="faces", ids=list(ids), source_includes=["file.path", "face_count"])
    sources = {hit["_id"]: hit["_source"] for hit in answer["docs"] if hit["found"]}
    return {key: source["file"]["path"] for key, source in sources.items() if source["face_count"] == 1}


@pytest.mark.parametrize("name", PROGRAMS)
def test_no_photo_is_lost_while_the_service_is_away(es, survivors, name):
    status, sender = survivors[name]
    assert (status, sender.refused) == (0, []), sender.said[-2000:]
    assert len(sender.photos) == PHOTOS
    assert stored(es, sender.photos) == sender.photos


@pytest.mark.parametrize("name", PROGRAMS)
def test_by_default_every_photo_is_lost_and_the_program_says_which_and_why(es, service, losers, name):
    status, sender = losers[name]
    assert (status, len(sender.refused)) == (1, PHOTOS), sender.said[-2000:]
    assert all("429" in line for line in sender.refused)
    assert service.url.removeprefix("http://") in bracketed(sender.said)
    assert stored(es, sender.photos) == {}
    assert "/9j/" not in sender.said
