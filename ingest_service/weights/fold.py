"""A published ONNX network as it runs fastest: nothing is computed at every run that can be computed once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from numpy.typing import NDArray


def fold(source: Path, target: Path, free_batch: bool = False) -> None:
    """Writes the same network with float32 weights: without DequantizeLinear nodes and the Reshapes of their
    results. Of the graph's inputs only the pictures are left; weights may be listed there too.

    PRelu becomes slope * x + (1 - slope) * Relu(x), by convolutions of one pixel: ONNX Runtime has no fast
    PRelu, and reorders the pixels before and after each. SFace's 27 took half of its time. OpenVINO runs
    either equally fast in bf16.

    Args:
        free_batch: make the first dimension of inputs and outputs free; else it stays as published.
    """
    import onnx
    from onnx import numpy_helper

    model = onnx.load(str(source))
    graph = model.graph
    weights: dict[str, NDArray[Any]] = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    nodes = []
    for node in graph.node:  # sorted: each after those that it reads from
        known = [weights[name] for name in node.input if name in weights]
        if node.op_type == "DequantizeLinear" and len(known) == len(node.input):
            how = {one.name: one.i for one in node.attribute}
            weights[node.output[0]] = _dequantized(known, how["axis"], how["block_size"])
        elif node.op_type == "Reshape" and len(known) == len(node.input):
            weights[node.output[0]] = known[0].reshape(known[1])
        elif node.op_type == "PRelu" and node.input[1] in weights:
            slopes = weights[node.input[1]].reshape(-1, 1, 1, 1)
            factors = {f"{node.output[0]}_slope": slopes, f"{node.output[0]}_rest": 1 - slopes}
            weights |= factors
            nodes += _as_convolutions(node, len(slopes), *factors)
        else:
            nodes.append(node)
    read = {name for node in nodes for name in node.input}
    pictures = [value for value in graph.input if value.name in read - weights.keys()]
    for old in (graph.node, graph.initializer, graph.input, graph.value_info):
        del old[:]
    graph.node.extend(nodes)
    graph.initializer.extend(
        numpy_helper.from_array(weights[name], name) for name in sorted(read & weights.keys())
    )
    graph.input.extend(pictures)
    if free_batch:
        for value in (*graph.input, *graph.output):
            value.type.tensor_type.shape.dim[0].dim_param = "n"
    onnx.save(model, str(target))


def _as_convolutions(prelu: Any, channels: int, slope: str, rest: str) -> list[Any]:
    """
    Args:
        slope, rest: names of the weights.
    """
    from onnx.helper import make_node

    x, result = prelu.input[0], prelu.output[0]
    positive, steep, flat = (f"{result}_{part}" for part in ("positive", "times_rest", "times_slope"))
    return [
        make_node("Relu", [x], [positive]),
        make_node("Conv", [positive, rest], [steep], group=channels, kernel_shape=[1, 1]),
        make_node("Conv", [x, slope], [flat], group=channels, kernel_shape=[1, 1]),
        make_node("Add", [flat, steep], [result]),
    ]


def _dequantized(parts: list[NDArray[Any]], axis: int, block_size: int) -> NDArray[Any]:
    """ONNX's DequantizeLinear: along ``axis``, ``block_size`` numbers share a scale and a zero point.

    Args:
        parts: the numbers, the scales and the zero points.
    """
    import numpy as np

    quantized = parts[0]
    every = np.arange(quantized.shape[axis]) // block_size
    scales, zeros = (np.take(one, every, axis) for one in parts[1:])
    numbers: NDArray[Any] = (quantized.astype(np.float32) - zeros.astype(np.float32)) * scales
    return numbers
