"""Models of other dimensions: `faces install` and `faces attach` write what the service's `/readyz` says."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from elasticsearch import Elasticsearch
from tools import encoded
from typer.testing import CliRunner

from es_setup.connection import Connection
from es_setup.embedded.local_node import Node, running_node
from es_setup.mappings import face_vectors
from es_setup.models import recorded_in_template
from es_setup.shipped_files import ALIASES
from faces import local_stack
from faces.cli import app
from faces.local_service import RunningService, running_service
from faces.local_stack import working_folder
from ingest_service.weights.prepare import prepare_dlib

DIMS = {"Dlib": 128, "stub-256": 256, "stub-512": 512}
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
            environment = {"FACES_PROFILE": profile}
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
    own = own_index("holidays", mappings={"properties": {"photo": {"type": "binary"}}})
    status, _, err = run("attach", own, "--field", "photo", "--target-field", "found")
    assert status == 0, err
    assert dims_of(es, own) == {dims}

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
    builder = {"face": {"image": encoded(portrait)}}
    query = {"field": "found.faces.vector", "k": 1, "num_candidates": 10, "query_vector_builder": builder}
    hits = es.search(index=own, knn=query)["hits"]["hits"]
    assert [hit["_id"] for hit in hits] == ["1"]
    assert hits[0]["_score"] == pytest.approx(1, abs=1e-4)
    assert run("status")[0] == 0


def test_an_index_for_other_dimensions_is_refused_with_what_to_do_and_nothing_is_changed(es, start):
    first, run = start("stub-256")
    assert run("install")[0] == 0
    other, run = start("stub-512")
    status, _, err = run("install")
    assert status == 1
    for fact in ("[faces-000001]", "256", f"[{other.model}]", "512", "PUT faces-000002"):
        assert fact in err
    assert dims_of(es, "faces") == {256}
    assert recorded_in_template(es)["model"] == first.model


def test_a_model_that_is_named_keeps_the_dimensions_on_record(es, start):
    first, run = start("stub-256")
    assert run("install")[0] == 0
    _, run = start("stub-512")
    es.indices.create(index="named")
    status, _, err = run("attach", "named", "--field", "portrait", "--model", first.model)
    assert status == 0, err
    assert dims_of(es, "named") == {256}
