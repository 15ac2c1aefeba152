"""What `faces doctor` knows without a server: watermarks, versions, lines to paste."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from es_setup.connection import Connection
from faces.health import index_findings
from faces.health.cluster import Cluster, Node, findings, is_supported
from faces.health.disk import PREFIX, least_free
from faces.health.findings import Finding, Requests, in_order
from faces.health.indices import Held, Indices, OurIndex

GB = 2**30


@pytest.mark.parametrize(
    ("watermark", "headroom", "total", "free"),
    [
        ("85%", "-1", 1000 * GB, 150 * GB),
        ("0.85", "-1", 1000 * GB, 150 * GB),
        ("85%", "200GB", 1000 * GB, 150 * GB),
        ("85%", "200gb", 10_000 * GB, 200 * GB),
        ("50gb", "-1", 1000 * GB, 50 * GB),
        ("512mb", "-1", 1000 * GB, GB / 2),
    ],
)
def test_a_watermark_is_a_share_or_a_size_and_large_disks_need_less(watermark, headroom, total, free):
    name = f"{PREFIX}watermark.low"
    settings = {name: watermark, f"{name}.max_headroom": headroom}
    assert least_free("low", settings, total) == pytest.approx(free)


@pytest.mark.parametrize(
    ("version", "supported"),
    [
        ("8.19.0", True),
        ("8.19.21", True),
        ("9.1.0", True),
        ("9.5.3", True),
        ("10.0.0", False),
        ("9.0.4", False),
        ("8.18.9", False),
        ("7.17.0", False),
        ("unknown", False),
    ],
)
def test_the_plugin_can_be_built_for_these_versions(version, supported):
    assert is_supported(version) is supported


def codes(*nodes: Node, target: str | None = None) -> set[str]:
    cluster = Cluster("8.19.21", "basic", "green", nodes)
    return {finding.code for finding in findings(cluster, target, Requests(Connection()))}


def test_a_plugin_fits_the_version_that_it_was_built_for_alone():
    fits = Node("one", "8.19.21", "0.1.0", "8.19.21")
    assert codes(fits) == set()
    assert codes(fits, Node("two", "8.19.21", "0.1.0", "8.19.20")) == {"plugin-unfit"}
    assert codes(fits, target="8.19.21") == set()
    assert codes(fits, target="9.5.3") == {"plugin-target"}
    assert codes(fits, target="9.0.3") == {"target-unsupported"}
    assert codes(fits, Node("two", "8.19.21", None, None)) == {"plugin-missing"}


def index(name: str, model: str, alias: str | None = None, blocks: tuple[str, ...] = ()) -> OurIndex:
    return OurIndex(name, alias, alias is not None, False, blocks, "faces", False, {"model": model})


def test_an_index_that_was_switched_from_is_not_compared_with_the_service():
    def found(old: OurIndex) -> set[str]:
        indices = Indices((old, index("faces-000002", "stub-2", "faces")))
        return {one.code for one in index_findings.findings(indices, "stub-2", Requests(Connection()))}

    assert "other-model" not in found(index("faces-000001", "stub-1", blocks=("write",)))
    assert "other-model" in found(index("faces-000001", "stub-1"))
    assert "several-models" in found(index("faces-000001", "stub-1", "faces", ("write",)))


def test_the_worst_comes_first_and_the_rest_stays_in_order():
    found = [Finding(severity, str(place), "", "") for place, severity in enumerate(("hint", "error") * 2)]
    assert [finding.code for finding in in_order(found)] == ["1", "3", "0", "2"]


def test_a_line_to_paste_reads_keys_and_passwords_from_the_environment():
    connection = Connection(es_url="https://elastic:s3cret@es:9200", es_api_key="k3y")
    line = Requests(connection).line("PUT", "/a b/_settings", {"it's": None})
    assert "s3cret" not in line
    assert "k3y" not in line
    assert "Authorization: ApiKey $ES_API_KEY" in shlex.split(line)
    assert "$ES_URL/a b/_settings" in shlex.split(line)
    assert '{"it\'s": null}' in shlex.split(line)


@pytest.mark.parametrize("url", ["http://es:9200", "https://elastic:s3cret@es:9200"])
def test_a_line_to_paste_runs_nothing_that_a_name_from_outside_says(url, tmp_path):
    trap = f"x;touch {tmp_path}/run;$(touch {tmp_path}/run)"
    unread = Held(failures={"unavailable": 1, "damaged": 1}, undecided=1)
    recorded = {"model": trap, "field": trap, "target_field": trap}
    indices = Indices((OurIndex(trap, None, False, True, ("read_only",), None, False, recorded, unread),))
    found = list(index_findings.findings(indices, "stub-2", Requests(Connection(es_url=url))))
    assert {"no-pipeline", "other-model", "failed-retry", "undecided"} <= {one.code for one in found}
    commands = "".join(f"{name}() {{ :; }}\n" for name in ("curl", "faces", "python"))
    for one in found:
        subprocess.run(["bash", "-c", commands + one.remedy], check=False, capture_output=True)
    assert list(tmp_path.iterdir()) == []
