"""Photos to vectors: in order, with retries, and as many at a time as the service likes."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from fake_service import MODEL, FakeService, face_of
from tools import encoded, wait_until

from es_setup.connection import ConnectionFailed, Service, ServiceRefused
from faces import photo_vectors
from faces.photo_vectors import AT_ONCE, PhotoVector, embed


@pytest.fixture
def fake() -> Iterator[FakeService]:
    service = FakeService()
    yield service
    service.stop()


@pytest.fixture
def photos(tmp_path: Path) -> list[Path]:
    paths = [tmp_path / f"{number}.jpg" for number in range(40)]
    for path in paths:
        path.write_bytes(path.name.encode())
    return paths


def asked(fake: FakeService, photos: list[Path]) -> Iterator[PhotoVector]:
    return embed(Service(fake.url), MODEL["id"], photos)


def vector_of(photo: Path) -> list[float]:
    return face_of(encoded(photo))["faces"][0]["vector"]


def test_each_photo_has_its_own_vector_in_order(fake, photos):
    assert list(asked(fake, photos)) == [PhotoVector(vector_of(photo)) for photo in photos]


def test_a_file_that_cannot_be_read_stops_no_other(fake, photos):
    photos[1].unlink()
    first, second, third = asked(fake, photos[:3])
    assert second == PhotoVector(error="unreadable_file")
    assert [first.vector, third.vector] == [vector_of(photos[0]), vector_of(photos[2])]


@pytest.mark.parametrize("behaviour", ["busy", "half an answer"])
def test_a_service_that_is_busy_or_gone_for_a_moment_is_asked_again(fake, photos, behaviour):
    fake.behaviour = behaviour
    found: list[PhotoVector] = []
    thread = threading.Thread(target=lambda: found.extend(asked(fake, photos[:AT_ONCE])))
    thread.start()
    wait_until(lambda: len(fake.batches) == AT_ONCE)
    fake.behaviour = "good"
    thread.join(60)
    assert [one.vector for one in found] == [vector_of(photo) for photo in photos[:AT_ONCE]]


def test_patience_with_a_busy_service_has_an_end(fake, photos, monkeypatch):
    monkeypatch.setattr(photo_vectors, "TRIES", 2)
    fake.behaviour = "busy"
    with pytest.raises(ServiceRefused, match="too many photos are waiting"):
        list(asked(fake, photos[:1]))
    assert len(fake.batches) == 2


@pytest.mark.parametrize("behaviour", ["wrong model", "wrong key"])
def test_a_refusal_that_waiting_does_not_change_ends_it_at_once(fake, photos, behaviour):
    fake.behaviour = behaviour
    with pytest.raises(ServiceRefused, match="refused"):
        list(asked(fake, photos))
    assert len(fake.batches) <= 2 * AT_ONCE


def test_a_service_that_stays_away_ends_it(fake, photos, monkeypatch):
    monkeypatch.setattr(photo_vectors, "RECONNECTIONS", 0)
    fake.stop()
    with pytest.raises(ConnectionFailed, match="no inference service"):
        list(asked(fake, photos))


def test_when_nobody_wants_more_no_more_are_sent(fake, photos):
    fake.behaviour = "unhurried"
    with closing(asked(fake, photos)) as embedded:
        next(embedded)
    assert len(fake.batches) <= 3 * AT_ONCE < len(photos)
