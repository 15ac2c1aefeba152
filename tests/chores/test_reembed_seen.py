"""What `faces doctor` and `faces status` say of `faces reembed`, and the commands that they name."""

from __future__ import annotations

import json
import shlex

from reembed_fixtures import NEW, Cluster

from faces.reembedding import reembedding, serving
from faces.reembedding.reembedding import Reembedding


def seen(cluster: Cluster) -> dict[str, dict[str, str]]:
    """The findings about it, by code."""
    _, out, err = cluster.run("doctor", "--json")
    assert out, err
    found = {one["code"]: one for one in json.loads(out)["findings"]}
    return {code: one for code, one in found.items() if code.startswith("reembed")}


def unfinished(cluster: Cluster) -> int:
    return json.loads(cluster.run("status", "--json")[1])["elasticsearch"]["unfinished_reembeds"]


def killed(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


def run_remedy(cluster: Cluster, finding: dict[str, str], *more: str) -> None:
    words = shlex.split(finding["remedy"])
    assert words[:2] == ["faces", "reembed"]
    status, _, err = cluster.run(*words[1:], *more)
    assert status == 0, err


def test_what_was_killed_is_told_with_the_command_that_goes_on(few: Cluster, monkeypatch):
    assert (seen(few), unfinished(few)) == ({}, 0)
    with monkeypatch.context() as patched:
        patched.setattr(reembedding.Copier, "_write", killed)
        few.reembed(status=130)
    [(code, finding)] = seen(few).items()
    assert (code, finding["severity"], unfinished(few)) == ("reembed-unfinished", "warning", 1)
    for told in (
        "[faces-000001] → [faces-000002]",
        f"[{few.new.model}]",
        "0 of 3",
        "faces reembed --rollback",
    ):
        assert told in finding["problem"]

    with monkeypatch.context() as patched:
        patched.setattr(serving, "put_pipelines_back", killed)
        few.reembed(status=130)
    assert (list(seen(few)), unfinished(few)) == (["reembed-unfinished"], 1), "the aliases have moved"
    run_remedy(few, seen(few)["reembed-unfinished"])
    assert few.behind("faces") == ["faces-000002"]

    [(code, finding)] = seen(few).items()
    assert (code, finding["severity"], unfinished(few)) == ("reembed-old-indices", "hint", 0)
    assert "[faces-000001]" in finding["problem"]
    run_remedy(few, finding, "--yes")
    assert seen(few) == {}
    assert not few.es.indices.exists(index="faces-000001")


def test_one_that_works_and_a_rollback_that_was_killed_are_told(few: Cluster, monkeypatch):
    working: list[dict] = []

    def meanwhile(self: Reembedding) -> None:
        working.append(seen(few))
        original(self)

    original = Reembedding.move
    with monkeypatch.context() as patched:
        patched.setattr(Reembedding, "move", meanwhile)
        few.reembed()
    [(code, finding)] = working[0].items()
    assert (code, finding["severity"]) == ("reembed-running", "hint")
    assert "3 of 3" in finding["problem"]

    with monkeypatch.context() as patched:
        patched.setattr(Reembedding, "move", killed)
        assert few.run("reembed", "--rollback")[0] == 130
    finding = seen(few)["reembed-unfinished"]
    assert "[faces-000002] → [faces-000001]" in finding["problem"]
    run_remedy(few, finding)
    assert few.behind("faces") == ["faces-000001"]
    run_remedy(few, seen(few)["reembed-old-indices"], "--yes")
    assert seen(few) == {}


def test_an_index_of_ones_own_is_named_in_the_commands(few: Cluster, monkeypatch):
    few.es.indices.create(index="trip")
    assert few.run("attach", "trip", "--field", "picture")[0] == 0
    with monkeypatch.context() as patched:
        patched.setattr(reembedding.Copier, "round", killed)
        few.reembed("--index", "trip", status=130)
    finding = seen(few)["reembed-unfinished"]
    assert finding["remedy"] == f"faces reembed --profile {NEW} --to-url {few.new.url} --index trip"
    assert few.run("reembed", "--rollback", "--index", "trip")[0] == 0
    assert seen(few) == {}
    for pipeline in ("faces-trip", "face-check-trip"):
        few.es.indices.delete(index="trip", ignore_unavailable=True)
        few.es.ingest.delete_pipeline(id=pipeline)
