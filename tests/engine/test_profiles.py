"""Other profiles of the service, also of other dimensions: `faces install` and `faces attach` write what its
`/readyz` says, and an index of another model is told apart."""

from __future__ import annotations

import json
import re
import shlex
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
import requests
from elasticsearch import Elasticsearch
from tools import bracketed, encoded, mapping_of
from typer.testing import CliRunner

from es_setup.connection import Connection
from es_setup.embedded.local_node import Node, running_node
from es_setup.mappings import face_vectors
from es_setup.models import recorded, recorded_in_template
from es_setup.shipped_files import ALIASES
from es_setup.thresholds import as_meta
from faces import local_stack
from faces.cli import app
from faces.local_service import RunningService, running_service
from faces.local_stack import working_folder
from ingest_service.verdicts import of_profile
from ingest_service.weights.prepare import prepare_dlib, prepare_sface

DIMS = {"Dlib": 128, "facenet-sface": 256, "stub-512": 512}
Start = Callable[[str], tuple[RunningService, Callable[..., tuple[int, str, str]]]]


@pytest.fixture(scope="module")
def node(cache, version) -> Iterator[Node]:
    """An Elasticsearch of its own, where nothing is installed."""
    if not version.startswith("8."):
        pytest.skip("the embedded engine is of 8.19; what is written doesn't depend on the version")
    _, home = local_stack.prepare_all(print)
    with working_folder() as folder, running_node(home, folder, {}) as started:
        yield started


@pytest.fixture
def es(node) -> Iterator[Elasticsearch]:
    found = Connection(es_url=node.url).elasticsearch()
    yield found
    for index in found.indices.get(index="*"):
        found.indices.delete(index=index)
    found.cluster.put_settings(persistent={"face.endpoint.default.urls": None})


@pytest.fixture
def start(es, node, cache, tmp_path) -> Iterator[Start]:
    """Starts the service with a profile, has the plugin ask it, and gives `faces ...` against both."""
    with ExitStack() as services:

        def started(profile: str) -> tuple[RunningService, Callable[..., tuple[int, str, str]]]:
            if profile == "Dlib":
                prepare_dlib(cache, lambda _: None)
            if profile == "facenet-sface":
                prepare_sface(cache, lambda _: None)
            runtime = "auto" if profile == "Dlib" else "onnxruntime"
            environment = {"FACES_PROFILE": profile, "FACES_RUNTIME": runtime}
            service = services.enter_context(
                running_service(cache, tmp_path / profile, environment=environment)
            )
            es.cluster.put_settings(persistent={"face.endpoint.default.urls": service.url})

            def run(*arguments: object) -> tuple[int, str, str]:
                variables = {"ES_URL": node.url, "FACES_URL": service.url}
                result = CliRunner().invoke(app, [str(argument) for argument in arguments], env=variables)
                return result.exit_code, result.stdout, result.stderr

            return service, run

        yield started


def dims_of(es: Elasticsearch, index: str) -> set[int]:
    """Of all vectors of faces that an index has a field for."""
    (found,) = es.indices.get_mapping(index=index).values()
    return {field["dims"] for field in face_vectors(found["mappings"]["properties"])}


@pytest.mark.parametrize("profile", DIMS)
def test_install_and_attach_write_the_dimensions_of_the_model_that_is_served(
    es, start, own_index, profile, portrait
):
    dims = DIMS[profile]
    service, run = start(profile)
    assert service.dims == dims
    status, _, err = run("install")
    assert status == 0, err
    assert [dims_of(es, alias) for alias in ALIASES] == [{dims}] * 3
    assert recorded_in_template(es)["model"] == service.model
    pair = requests.get(f"{service.url}/readyz", timeout=30).json()["thresholds"]
    assert pair == as_meta(of_profile(profile))
    assert [recorded(mapping_of(es, alias))["thresholds"] for alias in ALIASES] == [pair] * 3
    own = own_index("holidays", mappings={"properties": {"photo": {"type": "binary"}}})
    status, _, err = run("attach", own, "--field", "photo", "--target-field", "found")
    assert status == 0, err
    assert dims_of(es, own) == {dims}
    assert recorded(mapping_of(es, own))["thresholds"] == pair

    es.index(
        index="face-gallery", document={"image": encoded(portrait), "person": {"name": "Ben"}}, refresh=True
    )
    for index, field in (("faces", "image"), ("face-probes", "image"), (own, "photo")):
        es.index(index=index, id="1", document={field: encoded(portrait)}, refresh=True)
    [probe] = es.get(index="face-probes", id="1")["_source"]["faces"]
    assert probe["match"]["name"] == "Ben"
    status, out, err = run("search", portrait, "--json")
    assert status == 0, err
    assert '"similarity": 1.0' in out
    assert json.loads(out)["thresholds"] == pair
    builder = {"face": {"image": encoded(portrait)}}
    query = {"field": "found.faces.vector", "k": 1, "num_candidates": 10, "query_vector_builder": builder}
    hits = es.search(index=own, knn=query)["hits"]["hits"]
    assert [hit["_id"] for hit in hits] == ["1"]
    assert hits[0]["_score"] == pytest.approx(1, abs=1e-4)
    assert run("status")[0] == 0


def test_a_switch_to_another_profile_is_refused_with_what_to_do_which_works_as_pasted(
    es, start, portrait, people, tmp_path
):
    first, run = start("stub-256")
    assert run("install", "--profile", "stub-256")[0] == 0
    folder = tmp_path / "photos" / "Ben"
    folder.mkdir(parents=True)
    shutil.copy(portrait, folder)
    assert run("index", folder)[0] == 0
    es.indices.create(index="own")
    assert run("attach", "own", "--field", "picture")[0] == 0
    es.index(index="own", document={"picture": encoded(portrait)}, refresh=True)
    (folder.parent / "Madonna").mkdir()
    for photo in people["madonna"][:2]:
        shutil.copy(photo, folder.parent / "Madonna")
    es.indices.refresh(index="faces")
    other, run = start("stub-512")

    status, _, err = run("install")
    assert status == 1
    for fact in ("[faces-000001]", f"'{first.model}'", f"[{other.model}]", "FACES_PROFILE=stub-256"):
        assert fact in err
    assert dims_of(es, "faces") == {256}
    assert recorded_in_template(es)["model"] == first.model
    # The service serves what no index holds: every command says so, and what to do.
    for command in (
        ("status",),
        ("search", portrait),
        ("index", folder.parent),
        ("calibrate", folder.parent),
    ):
        status, out, err = run(*command)
        assert status == 1
        assert "`faces install --new-indices`" in out + err, command
        assert {first.model, other.model} <= {word.strip("'") for word in bracketed(out + err)}

    status, _, refused = run("attach", "own", "--field", "picture")
    assert status == 1
    assert {"[own]", f"[{other.model}]", f"'{first.model}'"} <= set(
        re.findall(r"\[\w+[^\]]*\]|'[^']*'", refused)
    )
    assert dims_of(es, "own") == {256}

    pasted = re.findall("`faces (install --new-indices)`", err)
    assert run(*shlex.split(pasted[0]))[0] == 0
    assert dims_of(es, "faces") == dims_of(es, "face-gallery") == {512}
    assert (
        run("index", folder)[0]
        == run("index", folder.parent, "--index", "face-gallery", "--labels", "folder")[0]
        == 0
    )
    es.indices.refresh(index="faces,face-gallery")
    assert run("status")[0] == 0
    status, out, _ = run("search", portrait, "--json")
    assert (status, json.loads(out)["matches"][0]["similarity"]) == (0, 1.0)
    es.index(index="face-probes", id="1", document={"image": encoded(portrait)}, refresh=True)
    assert es.get(index="face-probes", id="1")["_source"]["faces"][0]["match"]["name"] == "Ben"


@pytest.mark.parametrize(
    "command", [("install",), ("attach", "holidays", "--field", "photo")], ids=lambda c: c[0]
)
def test_a_profile_that_isnt_served_is_refused_and_says_how_to_serve_it(es, start, command):
    service, run = start("stub-256")
    es.indices.create(index="holidays")
    status, _, err = run(*command, "--profile", "facenet")
    assert status == 1
    assert f"[{service.model}]" in err
    assert "FACES_PROFILE=facenet" in err
    status, _, err = run(*command, "--profile", "facenet-typo")
    assert status == 1
    assert {"facenet-typo", "facenet", "deepface"} <= bracketed(err)
    assert run(*command, "--profile", "stub-256", "--model", service.model)[0] == 2
    assert es.indices.exists_alias(name="faces") == False  # noqa: E712 (an answer, not a bool)


def test_a_model_that_is_named_keeps_the_dimensions_on_record(es, start):
    first, run = start("stub-256")
    assert run("install")[0] == 0
    _, run = start("stub-512")
    es.indices.create(index="named")
    status, _, err = run("attach", "named", "--field", "portrait", "--model", first.model)
    assert status == 0, err
    assert dims_of(es, "named") == {256}
