import numpy as np
from onnx import TensorProto, helper, numpy_helper
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from retrieval.model.activation_ranges import Texts, observe

TABLE = np.array([[9, -9], [1, 2], [3, -4], [0, 5]], dtype=np.float32)  # the first is what pads


def test_the_shipped_texts_are_of_every_kind_and_some_are_held_out():
    texts = Texts.shipped()
    every = [*texts.fitted, *texts.held_out]
    assert len(every) > 200
    assert len(set(every)) == len(every)
    assert 0.2 < len(texts.held_out) / len(every) < 0.3
    for part in (texts.fitted, texts.held_out):
        lengths = [len(text.split()) for text in part]
        assert min(lengths) == 1
        assert max(lengths) > 150
        assert any(not text.isascii() for text in part)


def test_what_pads_is_not_seen_and_rows_are_those_of_the_tokens():
    nodes = [
        helper.make_node("Gather", ["table", "input_ids"], ["embedded"]),
        helper.make_node("Neg", ["embedded"], ["turned"]),
    ]
    inputs = [
        helper.make_tensor_value_info(name, TensorProto.INT64, ["batch", "length"])
        for name in ("input_ids", "attention_mask")
    ]
    outputs = [helper.make_tensor_value_info("turned", TensorProto.FLOAT, None)]
    graph = helper.make_graph(nodes, "small", inputs, outputs, [numpy_helper.from_array(TABLE, "table")])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=10)
    tokenizer = Tokenizer(WordLevel({"pad": 0, "a": 1, "b": 2, "c": 3}, unk_token="pad"))
    tokenizer.pre_tokenizer = Whitespace()
    observed = observe(model, tokenizer, ["a b c", "b", "c", "a a"], ranges_of=["embedded"], rows_of="turned")
    rows = observed.ranges["embedded"]
    assert (rows.low.tolist(), rows.high.tolist(), rows.rows) == ([0, -4], [3, 5], 7)
    assert rows.squares.tolist() == [9 * 2 + 3, 16 * 2 + 25 * 2 + 4 * 3]
    assert sorted(observed.rows.tolist()) == sorted((-TABLE[[1, 2, 3, 2, 3, 1, 1]]).tolist())
    assert len(model.graph.output) == 1
