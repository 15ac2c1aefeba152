"""Helpers that tests of several rooms share: making pictures, reading answers."""

from __future__ import annotations

import base64
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from elasticsearch import Elasticsearch
from filelock import FileLock
from PIL import Image

from es_setup.install import install
from es_setup.shipped_files import Vectors

JSON = {"accept": "application/json", "content-type": "application/json"}
"""Headers of a request with a JSON body."""
CALIBRATION = {
    "similarity": 0.673,
    "fpir": 0.01,
    "gallery_size": 746,
    "fnir": 0.187,
    "logistic": {"slope": 21.3, "offset": -9.8},
    "data": {"people": 2086, "photos": 3811},
    "made": "2026-11-25",
}
"""What `faces calibrate` writes into an index, without the model."""


@contextmanager
def one_at_a_time() -> Iterator[None]:
    """For what several processes of a run build or install on the disk: the others wait."""
    with FileLock(Path(tempfile.gettempdir(), f"ingest-face-tests-{os.getuid()}.lock")):
        yield


def encoded(data: bytes | Path) -> str:
    return base64.b64encode(data.read_bytes() if isinstance(data, Path) else data).decode()


def picture(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def landscape(width: int = 320, height: int = 240) -> Image.Image:
    """A photo without a face: a sky above a meadow."""
    rows = np.linspace(0, 1, height)[:, None, None]
    pixels = (1 - rows) * np.array([90, 150, 230]) + rows * np.array([60, 140, 40])
    return Image.fromarray(np.broadcast_to(pixels, (height, width, 3)).astype(np.uint8))


def side_by_side(photos: list[Path], height: int = 300) -> Image.Image:
    """A group photo: several photos next to each other."""
    opened = [Image.open(path).convert("RGB") for path in photos]
    scaled = [image.resize((round(image.width * height / image.height), height)) for image in opened]
    group = Image.new("RGB", (sum(image.width for image in scaled), height))
    left = 0
    for image in scaled:
        group.paste(image, (left, 0))
        left += image.width
    return group


def folder_of(root: Path, *names: str) -> Path:
    """Creates empty files of these names below ``root``, and returns it."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).touch()
    return root


def innermost(error: dict) -> str:
    """The innermost reason of an Elasticsearch error."""
    while "caused_by" in error:
        error = error["caused_by"]
    return error["reason"]


def bracketed(text: str) -> set[str]:
    """The values that a message has in brackets."""
    return set(re.findall(r"\[([^\[\]]*)\]", text))


def numbers(text: str) -> list[float]:
    """The numbers in a text, in order; not those within words, such as the digits of `int8`."""
    return [float(number) for number in re.findall(r"(?<![\w.-])\d+(?:\.\d+)?(?![\w-])", text)]


def install_all(es: Elasticsearch, model: str, vectors: Vectors | None = None) -> dict[str, str]:
    """What `faces install` does; returns request -> outcome."""
    return {step.request: step.outcome for step in install(es, model, vectors)}


def mapping_of(es: Elasticsearch, index: str) -> dict:
    """The mapping of one index, or of an alias of one."""
    (found,) = es.indices.get_mapping(index=index).values()
    return found["mappings"]


def field_types(properties: dict, above: str = "") -> dict[str, str]:
    """Full name of every field of a mapping -> its type."""
    found = {}
    for name, field in properties.items():
        if "properties" in field:
            found |= field_types(field["properties"], f"{above}{name}.")
        if "type" in field:
            found[above + name] = field["type"]
    return found


def line_with(word: str, text: str) -> str:
    """The one line of ``text`` that contains ``word``."""
    (line,) = (line for line in text.splitlines() if word in line)
    return line


def knn(**builder: object) -> dict:
    """A kNN search of the archive with these options of the plugin's query vector builder."""
    return {
        "field": "faces.vector",
        "k": 5,
        "num_candidates": 100,
        "query_vector_builder": {"face": builder},
        "inner_hits": {"_source": ["faces.id", "faces.label"]},
    }


def wait_until(condition: Callable[[], object], patience: float = 60) -> None:
    """Polls ``condition``; fails after ``patience`` seconds."""
    deadline = time.monotonic() + patience
    while not condition():
        assert time.monotonic() < deadline, f"not within {patience} s"
        time.sleep(0.01)


def scene(text: str, name: str) -> str:
    """The code block below `<!-- scene: name -->` in a page of the docs."""
    return re.search(rf"<!-- scene: {re.escape(name)} -->\n```\w*\n(.*?)```", text, re.DOTALL).group(1)


def python(es_url: str, text: str, *arguments: str, folder: Path | None = None) -> str:
    """Runs a recipe in Python; returns what it prints."""
    return _printed(es_url, [sys.executable, "-c", text, *arguments], folder)


def shell(es_url: str, text: str, folder: Path) -> str:
    """Runs a recipe in a shell; returns what it prints."""
    text = text.replace("export ES_URL=http://127.0.0.1:9200\n", "")
    return _printed(es_url, ["bash", "-euo", "pipefail", "-c", text], folder)


def _printed(es_url: str, command: list[str], folder: Path | None) -> str:
    run = subprocess.run(
        command,
        cwd=folder,
        env=os.environ | {"ES_URL": es_url},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    return run.stdout


def empty(es: Elasticsearch, alias: str) -> None:
    """Deletes every document behind an alias."""
    es.indices.refresh(index=alias)
    while hits := es.search(index=alias, size=1000, source=False)["hits"]["hits"]:
        es.bulk(operations=[{"delete": {"_index": hit["_index"], "_id": hit["_id"]}} for hit in hits])
        es.indices.refresh(index=alias)


def processed(es: Elasticsearch, documents: dict[str, dict], index: str) -> dict[str, dict]:
    """Documents (id -> body) as the pipeline stores them, with their vectors: tests store them again as they
    are, in no time.

    Args:
        index: made for it, and deleted; its name decides which template it gets.
    """
    operations: list[dict] = []
    for key, body in documents.items():
        operations += [{"index": {"_index": index, "_id": key}}, body]
    try:
        answer = es.bulk(operations=operations, refresh=True)
        assert not answer["errors"], answer
        everything = {"includes": ["*"], "exclude_vectors": False}
        hits = es.search(index=index, size=len(documents), source=everything)["hits"]["hits"]
    finally:
        es.options(ignore_status=404).indices.delete(index=index)
    return {hit["_id"]: hit["_source"] for hit in hits}


def face_stats(es: Elasticsearch) -> dict:
    """`GET _face/stats`."""
    return es.perform_request("GET", "/_face/stats", headers={"accept": "application/json"}).body


class Vector(list):
    """Equal up to 1e-6 for each number: Elasticsearch 9 stores direction and length apart."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, list) and np.allclose(self, other, rtol=0, atol=1e-6)

    __hash__ = None
