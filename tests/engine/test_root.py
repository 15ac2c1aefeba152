"""The embedded Elasticsearch answers `GET /` as every Elasticsearch does; the plugin itself doesn't."""

from __future__ import annotations

import io
import zipfile

import requests

from es_setup.embedded.plugins import SOURCES


def test_a_client_that_asks_for_the_version_gets_elasticsearchs_answer(es, version):
    found = es.info()
    assert found["version"]["number"] == version
    assert list(found) == ["name", "cluster_name", "cluster_uuid", "version", "tagline"]
    assert list(found["version"]) == [
        "number",
        "build_flavor",
        "build_type",
        "build_hash",
        "build_date",
        "build_snapshot",
        "lucene_version",
        "minimum_wire_compatibility_version",
        "minimum_index_compatibility_version",
    ]
    assert found["cluster_uuid"] == es.cluster.state(metric="metadata")["metadata"]["cluster_uuid"]
    assert found["name"] in {node["name"] for node in es.nodes.info(metric="os")["nodes"].values()}
    assert es.ping()


def test_the_answer_is_indented_unless_a_client_asks_otherwise(running):
    url = running.connection.es_url
    assert len(requests.get(f"{url}/", timeout=60).text.splitlines()) > 10
    assert len(requests.get(f"{url}/?pretty=false", timeout=60).text.splitlines()) == 1


def test_the_plugins_zip_has_no_handler_of_the_root(running):
    """A real server answers `GET /` itself; a node with two handlers doesn't start."""
    (shipped,) = (SOURCES / "target").glob("ingest-face-*.zip")
    (own,) = (SOURCES / "target").glob("embedded-root-*.zip")
    assert "org/ingestface/FacePlugin.class" in classes(shipped)
    assert not [name for name in classes(shipped) if "Root" in name]
    assert "org/ingestface/RootPlugin.class" in classes(own)


def classes(plugin) -> list[str]:
    """The files in the jars of a plugin's zip."""
    with zipfile.ZipFile(plugin) as archive:
        jars = [io.BytesIO(archive.read(name)) for name in archive.namelist() if name.endswith(".jar")]
    return [name for jar in jars for name in zipfile.ZipFile(jar).namelist()]
