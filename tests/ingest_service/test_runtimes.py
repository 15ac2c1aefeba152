"""The networks in OpenVINO, in fp32 and, where the CPU has units for it, in bf16."""

from __future__ import annotations

import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from service_process import faces, launched, lines
from tools import encoded

from evaluation.methods import read
from ingest_service import networks, openvino_network, profiles
from ingest_service.app import create_app
from ingest_service.errors import SettingsError
from ingest_service.facenet import FacenetProfile
from ingest_service.networks import Runtime
from ingest_service.settings import Settings

ROOT = Path(__file__).parents[2]
LEAST_COSINE = {"fp32": 0.99999, "bf16": 0.999}
"""Of a face's vector in OpenVINO and in ONNX Runtime, for the same network input."""


def chosen(precision: str) -> Runtime:
    """OpenVINO in a precision; a CPU without units for bf16 refuses it, and takes fp32 if it may choose."""
    if precision == "bf16" and not openvino_network.has_bf16():
        with pytest.raises(SettingsError, match="no units"):
            networks.choose("openvino", "bf16", 2)
        precision = "auto"
    return networks.choose("openvino", precision, 2)


@pytest.fixture(scope="module", params=["fp32", "bf16"])
def runtime(request) -> Runtime:
    return chosen(request.param)


@pytest.fixture(scope="module")
def onnx(cache) -> FacenetProfile:
    return profiles.load(Settings(cache=cache.root))


@pytest.fixture(scope="module")
def inputs(onnx, sample) -> np.ndarray:
    """(12, 160, 160, 3): a face of each photo, as the network wants it."""
    return np.stack([onnx.find(read(path))[0].network_input for path in sample[::10]])


@pytest.fixture(scope="module")
def facenet(cache, runtime) -> networks.Network:
    return networks.load(cache.facenet, 1, runtime)


def test_its_vectors_are_those_of_onnx_runtime(facenet, onnx, inputs, runtime):
    (found,) = facenet.run(inputs[:8])
    found /= np.linalg.norm(found, axis=1, keepdims=True)
    assert found.dtype == np.float32
    assert (found * onnx.embed(inputs[:8])).sum(axis=1).min() > LEAST_COSINE[runtime.precision]


def test_callers_at_once_get_their_own_answers(facenet, inputs):
    sizes = [1 + number % 8 for number in range(24)]
    batches = [np.roll(inputs, number, axis=0)[:size] for number, size in enumerate(sizes)]
    (alone,) = facenet.run(inputs)
    with ThreadPoolExecutor(16) as callers:
        answers = list(callers.map(facenet.run, batches))
    for number, (found,) in enumerate(answers):
        expected = np.roll(alone, number, axis=0)[: sizes[number]]
        assert np.allclose(found, expected, atol=0.02 * np.abs(alone).max()), number


def test_an_answer_is_the_callers_own_and_the_input_may_be_a_view(facenet, inputs):
    (first,) = facenet.run(inputs[:2])
    before = first.copy()
    facenet.run(inputs[2:4])
    assert (first == before).all()
    assert first.flags.c_contiguous
    mirrored = inputs[:2, :, ::-1]
    assert (facenet.run(mirrored)[0] == facenet.run(np.ascontiguousarray(mirrored))[0]).all()


def test_a_photo_gets_the_same_faces_and_an_answer_says_the_precision(cache, service, sample, runtime):
    settings = Settings(cache=cache.root, runtime="openvino", precision=runtime.precision)
    client = create_app(settings).test_client()
    request = {"images": [{"image": encoded(path)} for path in sample[::12]], "return": ["vector"]}
    ours, theirs = (each.post("/v1/faces", json=request).json for each in (client, service))
    assert ours["model"] == theirs["model"] | {"precision": runtime.precision}
    assert theirs["model"]["precision"] == "fp32"
    for mine, other in zip(ours["results"], theirs["results"], strict=True):
        assert len(mine["faces"]) == len(other["faces"]) > 0
        pairs = zip(mine["faces"], other["faces"], strict=True)
        assert all(
            np.dot(one["vector"], two["vector"]) > 0.999 and one["box"] == two["box"] for one, two in pairs
        )
    ready = client.get("/readyz").json
    assert (ready["runtime"], ready["model"]) == ("openvino", ours["model"])
    (served,) = (model for model in client.get("/v1/models").json["models"] if model["served"])
    assert (served["runtime"], served["precision"]) == ("openvino", runtime.precision)
    labels = f'model="{served["id"]}",precision="{runtime.precision}",runtime="openvino"'
    assert f"faces_networks_info{{{labels}}} 1.0" in client.get("/metrics").text


def test_the_service_starts_with_it_and_says_so(cache, portrait, start, tmp_path):
    with start(runtime="openvino") as running:
        answer = faces(running.url, *[portrait] * 8).json()
    assert [len(result["faces"]) for result in answer["results"]] == [1] * 8
    (started,) = (line for line in lines(tmp_path / "logs" / "service.log") if "serving" in line["message"])
    assert f"openvino in {answer['model']['precision']}" in started["message"]


MANY_SIZES = """
import sys
import numpy as np
from pathlib import Path
from ingest_service import networks
def peak():
    return next(int(line.split()[1]) / 1000 for line in open("/proc/self/status") if line.startswith("VmHWM"))
network = networks.load(Path(sys.argv[1]), 1, networks.choose("openvino", "auto", 2))
def run(rows, columns):
    network.run(np.zeros((1, 3, rows, columns), np.float32))
    return peak()
before = run(192, 256)
sides = range(32, 257, 32)
print(max(run(rows, columns) for rows in sides for columns in sides) - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the peak is read from /proc")
def test_photos_of_many_sizes_take_a_bounded_memory(cache):
    """Of 64 sizes, in MB. With OpenVINO's own default it is 260, and grows with each further size."""
    command = [sys.executable, "-c", MANY_SIZES, str(cache.centerface)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=180, check=True)
    assert float(done.stdout) < 200


@pytest.mark.parametrize(
    ("settings", "facts"),
    [
        ({"RUNTIME": "tensorrt"}, ("FACES_RUNTIME is [tensorrt]", "['auto', 'onnxruntime', 'openvino']")),
        ({"RUNTIME": ""}, ("FACES_RUNTIME is []",)),
        ({"PRECISION": "fp16"}, ("FACES_PRECISION is [fp16]", "['auto', 'fp32', 'bf16', 'int8']")),
        ({"PRECISION": "int8"}, ("FACES_PRECISION is [int8]", "FACES_PROFILE [facenet-int8]")),
        (
            {"PROFILE": "facenet-int8", "RUNTIME": "onnxruntime"},
            ("FACES_RUNTIME is [onnxruntime]", "FACES_PROFILE [facenet-int8] runs in openvino in int8 only"),
        ),
        (
            {"PROFILE": "facenet-int8", "PRECISION": "bf16"},
            ("FACES_PRECISION is [bf16]", "FACES_PROFILE [facenet-int8] runs in openvino in int8 only"),
        ),
        (
            {"RUNTIME": "onnxruntime", "PRECISION": "bf16"},
            ("FACES_PRECISION is [bf16]", "FACES_RUNTIME [onnxruntime]"),
        ),
        (
            {"PROFILE": "deepface", "PRECISION": "bf16"},
            ("FACES_PRECISION is [bf16]", "FACES_PROFILE [deepface]"),
        ),
        (
            {"PROFILE": "deepface", "RUNTIME": "openvino"},
            ("FACES_RUNTIME is [openvino]", "FACES_PROFILE [deepface]"),
        ),
    ],
    ids=lambda value: ",".join(value.values()) if isinstance(value, dict) else "",
)
def test_settings_that_exclude_each_other_are_refused(settings, facts):
    with pytest.raises(SettingsError) as error:
        Settings.from_environment({f"FACES_{name}": value for name, value in settings.items()})
    assert all(fact in str(error.value) for fact in facts), error.value


def test_the_profile_deepface_keeps_deepfaces_precision():
    runtime = Settings(profile="deepface", runtime="auto").chosen_runtime()
    assert (runtime.name, runtime.precision) == ("onnxruntime", "fp32")


def test_without_openvino_auto_is_onnx_runtime_and_the_rest_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "openvino", None)
    assert networks.choose("auto", "auto", 2) == Runtime("onnxruntime", "fp32", 2)
    for name, precision, wanted in (
        ("openvino", "auto", "FACES_RUNTIME [openvino]"),
        ("auto", "bf16", "FACES_PRECISION [bf16]"),
    ):
        with pytest.raises(SettingsError) as error:
            networks.choose(name, precision, 2)
        assert wanted in str(error.value)
        assert "pip install 'ingest-face[openvino]'" in str(error.value)


CHOICES = """
from ingest_service import networks
from ingest_service.errors import SettingsError
for name, precision in (("auto", "auto"), ("openvino", "auto"), ("auto", "fp32"), ("openvino", "fp32"),
                        ("auto", "bf16"), ("openvino", "bf16")):
    try:
        print(networks.choose(name, precision, 1))
    except SettingsError as error:
        print(error)
"""


@pytest.mark.parametrize("units", [["FP32", "BF16"], ["FP32"]], ids=["with units", "without"])
def test_bf16_is_chosen_where_the_cpu_has_units_for_it(units, tmp_path):
    """By an OpenVINO that says what another CPU has."""
    code = f"class Core:\n    def get_property(self, device, name):\n        return {units}\n"
    (tmp_path / "openvino.py").write_text(code)
    said = python(CHOICES, tmp_path).stdout.splitlines()
    if "BF16" in units:
        assert said == [
            "openvino in bf16", "openvino in bf16", "onnxruntime in fp32", "openvino in fp32",
            "openvino in bf16", "openvino in bf16",
        ]  # fmt: skip
    else:
        assert said[:4] == [
            "onnxruntime in fp32", "openvino in fp32", "onnxruntime in fp32", "openvino in fp32",
        ]  # fmt: skip
        assert all("FACES_PRECISION is [bf16]" in line and "no units" in line for line in said[4:])


@pytest.mark.parametrize(
    "code", ["raise ImportError('libtbb.so.12: no such file')", "x = 1"], ids=["a library is missing", "half"]
)
def test_a_broken_openvino_is_a_clear_error(code, tmp_path, cache):
    (tmp_path / "openvino.py").write_text(code)
    settings = {"PYTHONPATH": str(tmp_path), "FACES_RUNTIME": "auto"}
    with launched(cache, settings) as (_, process):
        last = process.stderr.read().decode().splitlines()[-1]
    assert process.returncode == 1
    assert last.startswith("error: OpenVINO is installed, but can't be loaded")
    assert "FACES_RUNTIME=onnxruntime" in last


SILENT = """
import sys
from pathlib import Path
SEEN = ("socket.connect", "socket.getaddrinfo", "socket.sendto", "os.fork", "subprocess.Popen")
sys.addaudithook(lambda event, _: print(event, file=sys.stderr) if event in SEEN else None)
import numpy as np
from ingest_service import networks
network = networks.load(Path(sys.argv[1]), 1, networks.choose("openvino", "auto", 1))
print(network.run(np.zeros((1, 3, 64, 64), np.float32))[0].shape)
"""


def test_openvino_reports_to_nobody(cache, tmp_path):
    """Its telemetry, where it is installed, is not even imported."""
    home, packages = tmp_path / "home", tmp_path / "packages"
    home.mkdir()
    packages.mkdir()
    (packages / "openvino_telemetry.py").write_text("raise SystemExit('telemetry')")
    done = python(SILENT, packages, str(cache.centerface), HOME=str(home))
    assert (done.stdout, done.stderr) == ("(1, 1, 16, 16)\n", "")
    assert not list(home.iterdir())


def python(
    code: str, packages: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Runs code beside packages that come before those that are installed."""
    return subprocess.run(
        [sys.executable, "-c", code, *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": f"{packages}{os.pathsep}{ROOT}"} | environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
