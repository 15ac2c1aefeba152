"""Each program of the docs that sends photos, with a real client, while the inference service is away."""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from bulk_client import vector_lengths
from client_programs import PHOTOS, PROGRAMS, ROOT, Packages, id_of, write_photos
from dev_tools import console
from elasticsearch import Elasticsearch
from tools import bracketed, mapping_of, scene

CLIENTS = (ROOT / "docs" / "clients.md").read_text()


@pytest.fixture
def folder(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """With 40 photos that no other test sends."""
    write_photos(tmp_path, request.node.name)
    return tmp_path


@pytest.fixture
def holiday(es: Elasticsearch, node, packages: Packages, folder: Path) -> Iterator[str]:
    """An index of its own, outside the templates, whose photos have their faces."""
    settings, mappings = {"default_pipeline": "faces"}, mapping_of(es, "faces")
    es.indices.create(index="holiday", settings=settings, mappings=mappings)
    text = PROGRAMS["python"].text().replace('"faces"', '"holiday"')
    assert run([packages.python, "-c", text], node.url, folder).returncode == 0
    es.indices.refresh(index="holiday")
    yield "holiday"
    made = ("holiday", "holiday-restored", "holiday-bare")
    es.indices.delete(index=made, ignore_unavailable=True)


def run(command: list[object], es_url: str, folder: Path | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(part) for part in command],
        cwd=folder,
        env=os.environ | {"ES_URL": es_url},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )


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
    wanted = sender.photos if name == "python of a dump" else sender.photos.values()
    assert [photo for photo in wanted if f"not stored: {photo} " not in sender.said] == []
    assert service.url.removeprefix("http://") in bracketed(sender.said)
    assert stored(es, sender.photos) == {}
    assert "/9j/" not in sender.said


@pytest.mark.parametrize("name", PROGRAMS)
def test_what_is_refused_for_good_is_reported_and_not_sent_again_and_again(es, blocked, name):
    """The index takes no documents, as after `index.blocks.write`."""
    status, sender = blocked[name]
    assert (status, len(sender.refused)) == (1, PHOTOS), sender.said[-2000:]
    assert all("403" in line for line in sender.refused)
    assert "index write (api)" in sender.said


def test_every_program_of_the_page_is_run_here():
    tests = Path(__file__).read_text()
    run = {program.scene for program in PROGRAMS.values()}
    scenes = re.findall(r"<!-- scene: (.*?) -->", CLIENTS)
    assert len(scenes) > 8
    assert [name for name in scenes if name not in run and f'"{name}"' not in tests] == []


def test_a_client_of_elasticsearch_9_is_refused(node, packages):
    """So the recipes install one below 9."""
    text = "import os, elasticsearch; elasticsearch.Elasticsearch(os.environ['ES_URL']).count(index='faces')"
    newest = run([packages.python_9, "-c", text], node.url)
    assert newest.returncode != 0
    assert "media_type_header_exception" in newest.stderr
    assert run([packages.python, "-c", text], node.url).returncode == 0


def test_elasticdump_drops_documents_while_the_service_is_away_and_ends_with_0(
    es, node, packages, folder, service
):
    command = [packages.elasticdump, "--input=photos.json", f"--output={node.url}/faces", "--type=data"]
    ids = [id_of(path.read_bytes()) for path in folder.rglob("IMG_*")]
    service.stop()
    try:
        away = run([*command, "--retryAttempts=2", "--retryDelay=100"], node.url, folder)
        assert (away.returncode, stored(es, ids)) == (0, {})
    finally:
        service.start()
    assert run(command, node.url, folder).returncode == 0
    assert len(stored(es, ids)) == PHOTOS


def test_elasticdump_restores_finished_documents_without_the_service(
    es, node, packages, folder, service, holiday
):
    path = f"PATH={packages.elasticdump.parent}:$PATH\n"
    service.stop()
    try:
        restored = run(["bash", "-c", path + scene(CLIENTS, "elasticdump")], node.url, folder)
    finally:
        service.start()
    assert restored.returncode == 0, restored.stderr
    (index,) = es.indices.get_settings(index="holiday-restored").values()
    assert index["settings"]["index"]["default_pipeline"] == "faces"
    assert mapping_of(es, "holiday-restored")["properties"]["faces"]["type"] == "nested"
    assert len(vector_lengths(es, holiday)) == PHOTOS
    assert vector_lengths(es, "holiday-restored") == vector_lengths(es, holiday)


def test_elasticdump_of_the_data_alone_makes_an_index_without_a_pipeline(es, node, packages, folder, holiday):
    bare = f"{node.url}/holiday-bare"
    for source, target in ((f"{node.url}/{holiday}", "data.json"), ("data.json", bare)):
        dumped = run([packages.elasticdump, f"--input={source}", f"--output={target}"], node.url, folder)
        assert dumped.returncode == 0, dumped.stdout
    (index,) = es.indices.get_settings(index="holiday-bare").values()
    assert "default_pipeline" not in index["settings"]["index"]
    assert mapping_of(es, "holiday-bare")["properties"]["faces"].get("type") != "nested"


@pytest.mark.parametrize(("index", "error"), [("faces", "KeyError"), ("faces-000001", "ValueError")])
def test_eland_cannot_append_to_an_index_of_faces(es, node, packages, index, error):
    text = (
        "import os, pandas, eland, elasticsearch\n"
        "es = elasticsearch.Elasticsearch(os.environ['ES_URL'])\n"
        "frame = pandas.DataFrame({'image': ['aGVsbG8=']}, index=['eland'])\n"
        f"eland.pandas_to_eland(frame, es, '{index}', es_if_exists='append')\n"
    )
    appended = run([packages.python, "-c", text], node.url)
    assert appended.returncode != 0
    assert f"\n{error}: " in appended.stderr
    assert not es.exists(index="faces", id="eland")


def test_a_pipeline_that_keeps_photos_loses_none_of_a_client_with_its_defaults(
    es, node, packages, folder, service
):
    text = PROGRAMS["python"].text(by_default=True).replace('"faces"', '"faces-kept"')
    again = [packages.python, "-c", scene(CLIENTS, "kept again")]
    console(es, scene(CLIENTS, "keep"))
    service.stop()
    try:
        assert run([packages.python, "-c", text], node.url, folder).returncode == 0
        es.indices.refresh(index="faces-kept")
        (found,) = console(es, scene(CLIENTS, "kept"))
        assert found["hits"]["total"]["value"] == PHOTOS
        assert run(again, node.url).returncode == 1
    finally:
        service.start()
    assert run(again, node.url).returncode == 0
    (found,) = console(es, scene(CLIENTS, "kept"))
    assert found["hits"]["total"]["value"] == 0
    assert len(vector_lengths(es, "faces-kept")) == PHOTOS
