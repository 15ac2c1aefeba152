"""The command `python -m board_preview`."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from tools import encoded

from es_setup.shipped_files import ALIASES


def test_the_scene_is_not_mixed_with_documents_of_others(es, scene, portrait, running):
    def written() -> int:
        stats = es.indices.stats(index=ALIASES, metric="indexing")
        return stats["_all"]["primaries"]["indexing"]["index_total"]

    for alias in ("faces", "face-probes"):
        es.index(index=alias, id="mine", document={"image": encoded(portrait)})
    before = written()
    try:
        run = preview("--load", ES_URL=running.connection.es_url)
    finally:
        for alias in ("faces", "face-probes"):
            es.delete(index=alias, id="mine", refresh=True)
    assert run.returncode == 1
    assert "1 in [faces], 1 in [face-probes]" in run.stderr
    assert "Traceback" not in run.stderr
    assert written() == before


def preview(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "board_preview", *arguments],
        cwd=Path(__file__).parents[2],
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def test_the_command_loads_the_scene_into_an_elasticsearch_that_runs(es, scene, running):
    run = preview("--load", "--json", ES_URL=running.connection.es_url)
    assert run.returncode == 0, run.stderr
    assert "Warning" not in run.stderr
    assert json.loads(run.stdout) == {"documents": scene.documents}


@pytest.mark.slow
def test_the_command_says_what_is_wrong_with_its_call(tmp_path):
    assert preview().returncode == 2
    both = preview("--load", "--calibrated")
    assert both.returncode == 2
    assert "--calibrated" in both.stderr
    assert "--out" in both.stderr
    missing = preview("--out", str(tmp_path), "--objects", str(tmp_path / "none.ndjson"))
    assert missing.returncode == 1
    assert "none.ndjson" in missing.stderr
    assert "Traceback" not in missing.stderr
    for text, fact in (("nonsense", "odd.ndjson"), ('{"type": "dashboard", "id": "d"}', "dashboard [d]")):
        (tmp_path / "odd.ndjson").write_text(text)
        odd = preview("--out", str(tmp_path), "--objects", str(tmp_path / "odd.ndjson"))
        assert odd.returncode == 1
        assert fact in odd.stderr
        assert "Traceback" not in odd.stderr
