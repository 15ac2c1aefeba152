"""What `./run bench erasure` finds in files: pieces of stored photos, by kind, and nothing else."""

from __future__ import annotations

import base64
import random
import struct

import pytest

from evaluation.bench.traces import PIECES, Traces, count


def noise(seed: int) -> str:
    return base64.b64encode(random.Random(seed).randbytes(9000)).decode()


def source(seed: int) -> dict[str, object]:
    vector = [random.Random(seed).uniform(-1, 1) for _ in range(128)]
    return {"thumbnail": noise(seed), "faces": [{"crop": noise(seed + 1), "vector": vector}]}


SOURCES = [source(10), source(20)]
PHOTOS = [Traces.of(each) for each in SOURCES]


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (noise(11).encode(), {"any": 1, "crop": 1, "thumbnail": 0, "vector": 0}),
        (noise(10).encode() + noise(20).encode(), {"any": 2, "crop": 0, "thumbnail": 2, "vector": 0}),
        (
            struct.pack("<128f", *SOURCES[1]["faces"][0]["vector"]),  # type: ignore[index]
            {"any": 1, "crop": 0, "thumbnail": 0, "vector": 1},
        ),
        (noise(30).encode(), {"any": 0, "crop": 0, "thumbnail": 0, "vector": 0}),
    ],
)
def test_each_photo_is_counted_once_by_what_is_found_of_it(tmp_path, content, found):
    (tmp_path / "index").mkdir()
    (tmp_path / "index" / "_0.cfs").write_bytes(b"head" + content + b"tail")
    (tmp_path / "index" / "_0.cfe").write_bytes(content)
    assert count(PHOTOS, tmp_path) == found
    assert count(PHOTOS, tmp_path, translog=True)["any"] == 0


def test_transaction_logs_are_counted_apart(tmp_path):
    (tmp_path / "translog-3.tlog").write_bytes(noise(11).encode())
    assert count(PHOTOS, tmp_path)["any"] == 0
    assert count(PHOTOS, tmp_path, translog=True)["any"] == 1


@pytest.mark.parametrize("piece", range(PIECES))
def test_one_whole_piece_is_enough(tmp_path, piece):
    (tmp_path / "_0.fdt").write_bytes(PHOTOS[0].crops[piece])
    assert count(PHOTOS, tmp_path)["crop"] == 1
