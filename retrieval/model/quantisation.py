"""Static quantisation (QDQ int8): an exported float32 graph becomes one whose scales are constants.

Quantised are the products with weights, from both sides, and large embedding tables. Attention's own products, the
mask, softmax, layer norms, pooling and what else there is stay float32, and so does a product whose input has values
so far apart that 256 steps cannot tell the small ones from each other. As no scale depends on what is encoded
together, a vector stays a function of its text (DESIGN, rule 13). Needs `onnx`: only the export imports this room.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from onnx import GraphProto, ModelProto, NodeProto, TensorProto, helper, numpy_helper

from retrieval.model.encoder import Vectors

SMOOTHING = 0.8  # alpha of the smoothing; mean cosine to float32: none .993, .5 .984, .65 .997, .8 .998, .9 .998
# Three of the default model's 24 inputs, behind the GELU of its first layers, have less (28). In float32 they take
# the mean cosine from .998 to .999 and a fifth more time.
MIN_SIGNAL_DB = 30
TABLE_MIN_VALUES = 2**20  # a smaller table saves less than 3 MB
_MATRIX_DIMS = 2
_WEIGHT_STEPS = 127
_INPUT_STEPS = 255
_TINY = np.float32(1e-6)  # in place of a channel or weight that is zero throughout


@dataclass(frozen=True, slots=True)
class Range:
    """Activation range: what was seen in each channel of a tensor in `rows` rows: lowest, highest, sum of squares; float32 (channels,)."""

    low: Vectors
    high: Vectors
    squares: Vectors
    rows: int

    @classmethod
    def of(cls, values: Vectors) -> "Range":
        """The range of a tensor whose last axis is its channels."""
        rows = values.reshape(-1, values.shape[-1])
        return cls(rows.min(axis=0), rows.max(axis=0), np.square(rows).sum(axis=0), len(rows))

    def __or__(self, other: "Range") -> "Range":
        return Range(
            np.minimum(self.low, other.low),
            np.maximum(self.high, other.high),
            self.squares + other.squares,
            self.rows + other.rows,
        )


def quantised_inputs(model: ModelProto) -> list[str]:
    """The names of the tensors that are multiplied with weights, each once: those whose ranges `quantise` needs."""
    return list(_products(model.graph))


def quantise(model: ModelProto, ranges: Mapping[str, Range]) -> ModelProto:
    """A graph that computes in 8 bits what `model` computes in float32: static QDQ, int8 weights, uint8 inputs.

    Weights have a scale for each output channel, tables one for each row, inputs one for the whole tensor. As a few
    channels of an input are much larger than the others, each is first divided by a number its weights are
    multiplied with (SmoothQuant, Xiao et al., ICML 2023).
    """
    quantised = ModelProto()
    quantised.CopyFrom(model)
    _Rewriting(quantised.graph, ranges).run()
    return quantised


def _products(graph: GraphProto) -> dict[str, list[NodeProto]]:
    """The products with a weight matrix by the tensor that goes into them."""
    constants = {tensor.name: tensor for tensor in graph.initializer}
    products: dict[str, list[NodeProto]] = {}
    for node in graph.node:
        if _is_product(node, constants):
            products.setdefault(node.input[0], []).append(node)
    return products


def _is_product(node: NodeProto, constants: Mapping[str, TensorProto]) -> bool:
    weights = constants.get(node.input[1]) if node.op_type == "MatMul" else None
    return weights is not None and len(weights.dims) == _MATRIX_DIMS


@dataclass(frozen=True, slots=True)
class _Scale:
    """How a tensor is put in 8 bits: its channels are divided by `divisor`, then lie between `low` and `high`."""

    divisor: Vectors
    low: float
    high: float

    @classmethod
    def of(cls, observed: Range, weights: Sequence[Vectors]) -> "_Scale":
        divisor = _divisor(observed, weights)
        return cls(
            divisor, min(0.0, float((observed.low / divisor).min())), max(0.0, float((observed.high / divisor).max()))
        )

    @property
    def step(self) -> float:
        return max(self.high - self.low, float(_TINY)) / _INPUT_STEPS

    def signal_db(self, observed: Range) -> float:
        """Signal-to-noise ratio in dB: mean square of the values over that of their rounding, which is a step's square over 12."""
        signal = float((observed.squares / self.divisor**2).mean()) / observed.rows
        return 10 * math.log10(max(signal, float(_TINY) ** 2) / (self.step**2 / 12))


class _Rewriting:
    """One pass over the nodes of a graph, in their order."""

    def __init__(self, graph: GraphProto, ranges: Mapping[str, Range]) -> None:
        self._graph = graph
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._scales = {name: self._scale(ranges[name], nodes) for name, nodes in _products(graph).items()}
        self._ready: set[str] = set()
        self._nodes: list[NodeProto] = []

    def run(self) -> None:
        for node in list(self._graph.node):
            if _is_product(node, self._constants) and (scale := self._scales[node.input[0]]):
                self._product(node, scale)
            elif node.op_type == "Gather" and self._takes_rows_of_a_table(node):
                self._table(node)
            else:
                self._nodes.append(node)
        used = {name for node in self._nodes for name in node.input}
        del self._graph.node[:], self._graph.initializer[:]
        self._graph.node.extend(self._nodes)
        self._graph.initializer.extend(tensor for name, tensor in self._constants.items() if name in used)

    def _scale(self, observed: Range, products: Sequence[NodeProto]) -> _Scale | None:
        scale = _Scale.of(observed, [self._value(node.input[1]) for node in products])
        return scale if scale.signal_db(observed) >= MIN_SIGNAL_DB else None

    def _product(self, node: NodeProto, scale: _Scale) -> None:
        weights = self._value(node.input[1]) * scale.divisor[:, None]
        steps = np.maximum(np.abs(weights).max(axis=0), _TINY) / _WEIGHT_STEPS
        made = f"{node.output[0]}.weights"
        names = [
            self._constant(f"{made}.int8", np.rint(weights / steps).astype(np.int8)),
            self._constant(f"{made}.steps", steps),
        ]
        self._node("DequantizeLinear", names, made, axis=1)
        self._node("MatMul", [self._in_bytes(node.input[0], scale), made], node.output[0])

    def _in_bytes(self, name: str, scale: _Scale) -> str:
        """The name of a product's input in 8 bits; made once, however many products it goes into."""
        if name not in self._ready:
            self._ready.add(name)
            by = [
                self._constant(f"{name}.step", np.array(scale.step, dtype=np.float32)),
                self._constant(f"{name}.zero", np.array(round(-scale.low / scale.step), dtype=np.uint8)),
            ]
            self._node("Mul", [name, self._constant(f"{name}.factors", 1 / scale.divisor)], f"{name}.smooth")
            self._node("QuantizeLinear", [f"{name}.smooth", *by], f"{name}.uint8")
            self._node("DequantizeLinear", [f"{name}.uint8", *by], f"{name}.float")
        return f"{name}.float"

    def _takes_rows_of_a_table(self, node: NodeProto) -> bool:
        table = self._constants.get(node.input[0])
        if table is None or len(table.dims) != _MATRIX_DIMS or any(attribute.i for attribute in node.attribute):
            return False  # the only attribute is the axis, and 0 says rows
        rows, columns = table.dims
        return bool(rows * columns >= TABLE_MIN_VALUES)

    def _table(self, node: NodeProto) -> None:
        table, rows, out = self._value(node.input[0]), node.input[1], node.output[0]
        scales = np.maximum(np.abs(table).max(axis=1, keepdims=True), _TINY) / _WEIGHT_STEPS
        self._node(
            "Gather", [self._constant(f"{out}.int8", np.rint(table / scales).astype(np.int8)), rows], f"{out}.row"
        )
        self._node("Gather", [self._constant(f"{out}.scales", scales), rows], f"{out}.scale")
        self._node("Cast", [f"{out}.row"], f"{out}.steps", to=TensorProto.FLOAT)
        self._node("Mul", [f"{out}.steps", f"{out}.scale"], out)

    def _value(self, name: str) -> Vectors:
        return numpy_helper.to_array(self._constants[name]).astype(np.float32)

    def _constant(self, name: str, value: NDArray[np.generic]) -> str:
        self._constants[name] = numpy_helper.from_array(value, name)
        return name

    def _node(self, operator: str, inputs: Sequence[str], output: str, **attributes: int) -> None:
        node = helper.make_node(operator, inputs, [output], name=f"{output}.{operator}")
        node.attribute.extend(helper.make_attribute(name, value) for name, value in attributes.items())
        self._nodes.append(node)


def _divisor(observed: Range, weights: Sequence[Vectors]) -> Vectors:
    """What each channel is divided by, so that input and weights share its size; 1 in the geometric mean."""
    of_input = _at_least_a_step(np.maximum(np.abs(observed.low), np.abs(observed.high)), _INPUT_STEPS)
    of_weights = _at_least_a_step(np.max([np.abs(matrix).max(axis=1) for matrix in weights], axis=0), _WEIGHT_STEPS)
    divisor = np.log(of_input) * SMOOTHING - np.log(of_weights) * (1 - SMOOTHING)
    centred: Vectors = np.exp(divisor - divisor.mean()).astype(np.float32)
    return centred


def _at_least_a_step(sizes: Vectors, steps: int) -> Vectors:
    """A channel that was never seen to speak is not blown up until its first word overflows."""
    raised: Vectors = np.maximum(sizes, np.float32(max(float(sizes.max()) / steps, float(_TINY))))
    return raised
