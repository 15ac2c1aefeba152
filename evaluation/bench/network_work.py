"""How much work a network is."""

from __future__ import annotations

from math import prod
from pathlib import Path

import onnx
from onnx import shape_inference


def gflop(path: Path, input_shape: tuple[int, ...]) -> float:
    """Billions of multiplications and additions of a network's convolutions and matrix products on one input:
    twice the multiply-accumulates. The rest of a network is less than a hundredth of that."""
    model = onnx.load(path)
    sides = zip(model.graph.input[0].type.tensor_type.shape.dim, (1, *input_shape), strict=True)
    for side, size in sides:
        side.dim_value = size
    del model.graph.value_info[:]
    inferred = shape_inference.infer_shapes(model, data_prop=True).graph
    shapes = {
        value.name: [side.dim_value for side in value.type.tensor_type.shape.dim]
        for value in (*inferred.input, *inferred.value_info, *inferred.output)
    } | {constant.name: list(constant.dims) for constant in inferred.initializer}
    total = 0
    for node in inferred.node:
        if node.op_type == "Conv":
            # The weights of one output channel: (channels, its inputs' channels, height, width).
            total += 2 * prod(shapes[node.input[1]][1:]) * prod(shapes[node.output[0]])
        elif node.op_type in ("Gemm", "MatMul"):
            total += 2 * prod(shapes[node.input[1]]) * prod(shapes[node.output[0]][:-1])
    return total / 1e9
