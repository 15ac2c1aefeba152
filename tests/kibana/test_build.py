from __future__ import annotations

import os
import subprocess
import sys

import pytest

from kibana.importing import SHIPPED


@pytest.mark.parametrize("seed", ["0", "4711"])
def test_the_committed_file_is_what_the_builder_writes_byte_by_byte(seed):
    code = (
        "import sys; from kibana import build, client;"
        "sys.stdout.buffer.write(client.ndjson(build.objects()).encode())"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": seed},
        cwd=SHIPPED.parents[1],
        capture_output=True,
        check=True,
    )

    # Not compared in the assertion: pytest would work for hours on the difference of two such long lines.
    is_same = run.stdout == SHIPPED.read_bytes()
    assert is_same, "run python -m kibana.build"
