"""What each image installs: locks made for it, and no more than its target needs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from ingest_service.registry import MODELS
from ingest_service.weights.cache import Cache

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "ingest_service" / "Dockerfile").read_text()


def versions(file: str) -> set[str]:
    """What a lock pins, as `name==version`."""
    return set(re.findall(r"(?m)^[\w-]+==[\w.]+", (ROOT / file).read_text()))


def pinned(file: str) -> set[str]:
    """The packages of a lock."""
    return {version.partition("==")[0] for version in versions(file)}


def left_out(target: str) -> set[str]:
    """The packages of requirements.txt that the lock of an image's target does without."""
    stages = DOCKERFILE.split("\nFROM ")
    (stage,) = [stage for stage in stages if stage.splitlines()[0].endswith(f" AS {target}")]
    (lock,) = re.findall(r"COPY locks/([\w.]+) ", stage)
    assert f"-r {lock}" in stage
    return pinned("requirements.txt") - pinned(f"locks/{lock}")


@pytest.mark.parametrize("lock", ["cli", "convert", "serve"])
def test_what_an_image_installs_is_pinned_as_everywhere(lock):
    own = versions(f"locks/{lock}.txt")
    assert {version for version in own if version.startswith("elasticsearch==")}
    assert own <= versions("requirements.txt")


def test_what_takes_gigabytes_is_only_where_weights_are_converted():
    assert {"tensorflow", "keras", "tf2onnx"} <= left_out("serving")
    assert {"tensorflow", "onnxruntime", "flask", "opencv-contrib-python-headless"} <= left_out("setup")
    assert "tensorflow" not in left_out("weights")


WITHOUT = """
import sys
from importlib.metadata import packages_distributions

left_out = sys.argv.pop(1).split()
for module, packages in packages_distributions().items():
    if {name.lower().replace("_", "-") for name in packages} <= set(left_out):
        sys.modules[module] = None  # as if it were not installed
assert sys.modules["tensorflow"] is None
"""
SERVE = """
import base64
from pathlib import Path

profile, cache, photo = sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])

from ingest_service.app import create_app
from ingest_service.settings import Settings

service = create_app(Settings(profile=profile, cache=cache)).test_client()
image = base64.b64encode(photo.read_bytes()).decode()
[result] = service.post("/v1/faces", json={"images": [{"image": image}]}).json["results"]
print(len(result["faces"]))
"""


@pytest.mark.parametrize(
    "profile", [name for name, entry in MODELS.items() if "facenet" in entry.needs.prepared]
)
def test_the_service_works_without_what_its_image_leaves_out(profile, cache, portrait, tmp_path):
    # Of the cache, too, only what the image copies, without the h5 file that the image deletes.
    copied = Cache(tmp_path)
    for name in ("weights", "deepface"):
        for path in (cache.root / name).rglob("*"):
            if path.is_file() and path.suffix != ".h5":
                target = copied.root / path.relative_to(cache.root)
                target.parent.mkdir(parents=True, exist_ok=True)
                target.symlink_to(path)
    command = [sys.executable, "-c", WITHOUT + SERVE, " ".join(left_out("serving"))]
    command += [profile, str(copied.root), str(portrait)]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert result.stdout == "1\n", result.stderr


SET_UP = """
from faces.cli import app

app(prog_name="faces")
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    "command", [["--version"], ["install", "--help"], ["dashboards", "install", "--help"]]
)
def test_the_set_up_works_without_what_its_image_leaves_out(command):
    line = [sys.executable, "-c", WITHOUT + SET_UP, " ".join(left_out("setup")), *command]
    result = subprocess.run(line, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert result.returncode == 0, result.stderr
