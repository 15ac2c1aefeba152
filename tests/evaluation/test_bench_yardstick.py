"""How `./run bench service` measures: the work of a network, matrix products, photos of 12 megapixels."""

from __future__ import annotations

import io

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image

from evaluation.bench import matrix_rates
from evaluation.bench.large_photos import large_photos
from evaluation.bench.network_work import gflop
from ingest_service import networks, profiles
from ingest_service.decoding import decode
from ingest_service.networks import Runtime
from ingest_service.settings import Settings


def test_the_work_of_a_network_is_that_of_its_convolutions_and_matrix_products(tmp_path):
    """A convolution of 3 x 3 over 4 of 2 channels' 8 x 8 pixels, padded; then a product with 256 x 5."""
    graph = helper.make_graph(
        [
            helper.make_node("Conv", ["photo", "kernel"], ["maps"], pads=[1, 1, 1, 1]),
            helper.make_node("Flatten", ["maps"], ["flat"]),
            helper.make_node("MatMul", ["flat", "weights"], ["vector"]),
        ],
        "small",
        [helper.make_tensor_value_info("photo", TensorProto.FLOAT, ["n", 2, 8, 8])],
        [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["n", 5])],
        [
            numpy_helper.from_array(np.zeros((4, 2, 3, 3), np.float32), "kernel"),
            numpy_helper.from_array(np.zeros((256, 5), np.float32), "weights"),
        ],
    )
    path = tmp_path / "small.onnx"
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    convolution, product = 4 * 8 * 8 * (2 * 3 * 3), 256 * 5
    assert gflop(path, (2, 8, 8)) == pytest.approx(2 * (convolution + product) / 1e9)


def test_the_work_of_facenet_is_the_one_that_docs_name(cache):
    assert gflop(cache.facenet, (160, 160, 3)) == pytest.approx(2.83, abs=0.005)


def test_the_matrix_products_are_computed(tmp_path, monkeypatch):
    monkeypatch.setattr(matrix_rates, "SIDE", 32)
    monkeypatch.setattr(matrix_rates, "SMALLER", (16,))
    here = matrix_rates.numpy_here()
    runtimes = [Runtime(), Runtime("openvino", "fp32")]
    with matrix_rates.contenders(2, runtimes, [here], tmp_path) as contenders:
        assert all(one.round() > 0 for one in contenders)
        assert [one.name for one in contenders] == [
            "ONNX Runtime (32 on all cores)",
            "ONNX Runtime (16 on each core)",
            "OpenVINO (32 on all cores)",
            "OpenVINO (16 on each core)",
            f"numpy {np.__version__}",
        ]
    path = tmp_path / "32.onnx"
    (constant,) = (numpy_helper.to_array(one) for one in onnx.load(path).graph.initializer)
    matrix = np.random.default_rng(2).standard_normal((32, 32), dtype=np.float32)
    for runtime in runtimes:
        (most,) = networks.load(path, 1, runtime).run(matrix)
        assert most == pytest.approx((matrix @ constant).max(), rel=1e-4)


def test_numpy_says_what_its_blas_takes_the_cpu_for():
    here = matrix_rates.numpy_here()
    assert here.version == np.__version__
    assert set(here.as_json()) == {"numpy", "blas", "takes_the_cpu_for"}


def test_a_numpy_that_cannot_be_installed_is_left_out_and_named(tmp_path, monkeypatch):
    monkeypatch.setattr(matrix_rates, "CURRENT_NUMPY", tmp_path / "numpy.txt")
    matrix_rates.CURRENT_NUMPY.write_text("numpy==0.0.0\n")  # without a digest, which pip refuses
    said: list[str] = []
    assert matrix_rates.current_numpy(tmp_path / "bench", said.append) is None
    assert "can't be installed" in said[-1]


def test_the_large_photos_are_a_phones_with_one_face_and_with_several(cache, sample):
    profile = profiles.load(Settings(cache=cache.root))
    for data, faces in zip(large_photos(sample[::5]), (1, 3), strict=True):
        assert Image.open(io.BytesIO(data)).size == (4000, 3000)
        assert 2_500_000 < len(data) < 8_000_000
        pixels = decode(data, Settings().max_bytes, Settings().pixel_limit).pixels
        assert len(profile.find(pixels)) == faces
