import numpy as np
import pytest
from onnx import ModelProto, TensorProto, helper, numpy_helper

from retrieval.model.onnx_encoder import open_session
from retrieval.model.quantisation import Range, quantise, quantised_inputs

WORDS, WIDTH, INNER = 4200, 256, 512


def graph(up, down, table):
    """Embeds ids, multiplies with weights twice, and once with itself, as attention does."""
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["embedded"], name="embed"),
        helper.make_node("MatMul", ["embedded", "up"], ["wide"], name="up"),
        helper.make_node("Relu", ["wide"], ["positive"], name="relu"),
        helper.make_node("MatMul", ["positive", "down"], ["narrow"], name="down"),
        helper.make_node("Transpose", ["narrow"], ["turned"], name="turn", perm=[0, 2, 1]),
        helper.make_node("MatMul", ["narrow", "turned"], ["attended"], name="attend"),
    ]
    made = helper.make_graph(
        nodes,
        "small",
        [helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "length"])],
        [
            helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
            for name in ("narrow", "attended", "embedded", "positive")
        ],
        [numpy_helper.from_array(value, name) for name, value in {"up": up, "down": down, "table": table}.items()],
    )
    return helper.make_model(made, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)


def run(model: ModelProto, ids):
    session = open_session(model.SerializeToString())
    return dict(zip((output.name for output in session.get_outputs()), session.run(None, {"ids": ids}), strict=True))


def seen(model, ids):
    outputs = run(model, ids)
    return {name: Range.of(outputs[name]) for name in quantised_inputs(model)}


def constants(model):
    return {tensor.name: numpy_helper.to_array(tensor) for tensor in model.graph.initializer}


def error(vectors, expected):
    return np.linalg.norm(vectors - expected) / np.linalg.norm(expected)


@pytest.fixture
def random():
    return np.random.default_rng(7)


@pytest.fixture
def weights(random):
    def matrix(rows, columns):
        return random.normal(size=(rows, columns)).astype(np.float32)

    return {"up": matrix(WIDTH, INNER), "down": matrix(INNER, WIDTH), "table": matrix(WORDS, WIDTH)}


@pytest.fixture
def ids(random):
    return random.integers(0, WORDS, size=(40, 12))


def test_a_quantised_graph_says_nearly_the_same(weights, ids):
    model = graph(**weights)
    reduced = run(quantise(model, seen(model, ids[::2])), ids[1::2])
    for name, expected in run(model, ids[1::2]).items():
        assert error(reduced[name], expected) < 0.04


def test_weights_and_tables_are_kept_in_bytes_alone(weights, ids):
    model = graph(**weights)
    reduced = quantise(model, seen(model, ids))
    assert reduced.ByteSize() < model.ByteSize() * 0.27
    assert [value.dtype for value in constants(reduced).values() if value.size > WORDS] == [np.int8] * 3
    assert set(constants(model)) == {"up", "down", "table"}  # what was given is left alone


def test_only_products_with_weights_are_quantised(weights, ids):
    model = graph(**weights)
    assert quantised_inputs(model) == ["embedded", "positive"]
    reduced = quantise(model, seen(model, ids))
    assert [node.input[0] for node in reduced.graph.node if node.op_type == "QuantizeLinear"] == [
        "embedded.smooth",
        "positive.smooth",
    ]
    (attend,) = (node for node in reduced.graph.node if node.name == "attend")
    assert list(attend.input) == ["narrow", "turned"]


def test_a_row_is_the_same_alone_and_beside_any_other(weights, ids, random):
    model = graph(**weights)
    weights["table"][0] = 1000.0  # far outside of what was seen
    reduced = quantise(graph(**weights), seen(model, ids))
    together = run(reduced, np.concatenate([ids, np.zeros((1, 12), dtype=np.int64)]))["narrow"]
    for row in (0, 17, 39):
        assert np.abs(run(reduced, ids[row : row + 1])["narrow"] - together[row]).max() < 1e-4


def test_a_few_channels_far_larger_than_the_others_do_no_harm(weights, ids):
    weights["up"][:, :3] *= 100
    weights["down"][:3] /= 50
    model = graph(**weights)
    reduced = run(quantise(model, seen(model, ids[::2])), ids[1::2])
    assert error(reduced["narrow"], run(model, ids[1::2])["narrow"]) < 0.04


def test_a_channel_silent_so_far_may_speak_later(weights, ids):
    silent = weights["table"].copy()
    silent[:, 5] = 0
    ranges = seen(graph(weights["up"], weights["down"], silent), ids)
    weights["table"][:, 5] *= 0.01
    model = graph(**weights)
    assert error(run(quantise(model, ranges), ids)["narrow"], run(model, ids)["narrow"]) < 0.04


def test_an_input_whose_values_lie_too_far_apart_stays_float(weights, ids):
    weights["table"] *= 0.02
    weights["table"][ids[0, 0]] *= 5000  # one word in hundreds
    model = graph(**weights)
    reduced = quantise(model, seen(model, ids))
    assert not [node for node in reduced.graph.node if node.op_type == "QuantizeLinear"]
    assert np.array_equal(constants(reduced)["up"], weights["up"])
    outputs, expected = run(reduced, ids), run(model, ids)
    assert error(outputs["narrow"], expected["narrow"]) < 0.01


def test_ranges_of_parts_make_the_range_of_the_whole(random):
    range_of_all = random.normal(size=(9, 4, 3)).astype(np.float32)
    parts = Range.of(range_of_all[:2]) | Range.of(range_of_all[2:3]) | Range.of(range_of_all[3:])
    expected = Range.of(range_of_all)
    assert parts.rows == expected.rows == 36
    assert np.array_equal(parts.low, expected.low)
    assert np.array_equal(parts.high, expected.high)
    assert np.allclose(parts.squares, expected.squares)
