import asyncio
import subprocess
import sys
import threading

import numpy as np
import pytest
from tokenizers import Tokenizer

from retrieval.errors import EncoderBusy
from retrieval.model.encoder import MAX_BATCH, MAX_WAITING, Batcher, HashingEncoder, token_rows
from retrieval.model.onnx_encoder import OnnxEncoder, feed, open_session

MIXED = [
    "",
    " ",
    "a",
    "How do I get my money back?",
    "x" * 4000,
    "word " * 800,
    "你好 émoji 😀",
    "\x00\ufffd",
    "A\nB",
] + [f"question number {number} " * number for number in range(1, 60)]


@pytest.fixture(params=["hashing", pytest.param("onnx", marks=pytest.mark.slow)])
def any_encoder(request):
    if request.param == "hashing":
        return HashingEncoder()
    models = request.getfixturevalue("exported_model") / "models"
    return OnnxEncoder(next(models.glob("all-MiniLM-L6-v2-*")))


def sentences(embeddings):
    return np.stack([embedding.sentence for embedding in embeddings])


def max_sim(asked, other):
    """The mean over the tokens asked of the cosine of the best matching other token."""
    return (asked.tokens.astype(float) @ other.tokens.T.astype(float)).max(axis=1).mean() / 127**2


def test_a_vector_is_the_same_alone_and_in_any_batch(any_encoder):
    together = any_encoder.encode(MIXED)
    backwards = any_encoder.encode(MIXED[::-1])[::-1]
    for text, *batched in zip(MIXED, together, backwards, strict=True):
        (alone,) = any_encoder.encode([text])
        for embedding in batched:
            assert np.abs(embedding.sentence - alone.sentence).max() < 1e-4
            assert np.abs(embedding.tokens.astype(int) - alone.tokens).max() <= 1


@pytest.mark.slow
def test_padding_up_to_the_longest_text_changes_nothing(exported_model):
    encoder = OnnxEncoder(next((exported_model / "models").glob("all-MiniLM-L6-v2-*")))
    tokenizer = Tokenizer.from_file(str(next((exported_model / "models").glob("*/tokenizer.json"))))
    texts = [" ".join(["word"] * count) for count in (0, 1, 2, 3, 7, 30, 120, 254)]
    encodings = tokenizer.encode_batch_fast(texts)
    session = open_session(str(next((exported_model / "models").glob("*/model.onnx"))))
    columns = feed([entry.name for entry in session.get_inputs()], encodings)
    assert columns["input_ids"].shape == (len(texts), 256)
    padded_sentences, padded_tokens = session.run(None, columns)
    for text, encoding, sentence, tokens in zip(texts, encodings, padded_sentences, padded_tokens, strict=True):
        (alone,) = encoder.encode([text])
        assert np.abs(sentence - alone.sentence).max() < 1e-4
        assert len(alone.tokens) == len(encoding.ids)
        assert np.abs(token_rows(tokens[: len(encoding.ids)]).astype(int) - alone.tokens).max() <= 1


def test_sentence_vectors_are_float32_of_unit_length(any_encoder):
    vectors = sentences(any_encoder.encode(MIXED))
    assert vectors.dtype == np.float32
    assert vectors.shape == (len(MIXED), any_encoder.dimensions)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_token_vectors_are_int8_of_length_127_and_at_least_one(any_encoder):
    for embedding in any_encoder.encode(MIXED):
        assert embedding.tokens.dtype == np.int8
        assert embedding.tokens.shape == (len(embedding.tokens), any_encoder.token_dimensions)
        assert np.allclose(np.linalg.norm(embedding.tokens.astype(float), axis=1), 127, atol=4)
        assert len(embedding.tokens) >= 1


def test_hashing_gives_a_token_vector_for_each_word():
    single, phrase = HashingEncoder().encode(["refund", "Refund, please"])
    assert np.array_equal(phrase.tokens[:1], single.tokens)
    assert len(phrase.tokens) == 2


@pytest.mark.slow
def test_the_model_knows_ordinary_words_and_no_mistyped_ones(exported_model):
    encoder = OnnxEncoder(next((exported_model / "models").glob("all-MiniLM-L6-v2-*")))
    assert all(encoder.is_word(word) for word in ("delivery", "stolen", "many", "sell", "mouse"))
    assert not any(encoder.is_word(word) for word in ("delivry", "stollen", "mnay", "pasword", "arduinno", ""))


def test_no_texts_give_no_vectors(any_encoder):
    assert any_encoder.encode([]) == []


def test_like_texts_are_nearer_than_others(any_encoder):
    asked, near, far = any_encoder.encode(["refund my order", "refunds for an order", "opening hours in May"])
    assert asked.sentence @ near.sentence > asked.sentence @ far.sentence
    assert max_sim(asked, near) > max_sim(asked, far)
    assert max_sim(asked, asked) == pytest.approx(1, abs=0.03)


def test_hashing_is_equal_in_every_process():
    program = (
        "import hashlib; from retrieval.model.encoder import HashingEncoder; (one,) = HashingEncoder().encode(['my refund']);"
        "print(hashlib.sha256(one.sentence.tobytes() + one.tokens.tobytes()).hexdigest())"
    )
    outputs = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in range(2)
    }
    assert len(outputs) == 1


class Gated(HashingEncoder):
    """Encodes when let; remembers the size of each pass."""

    def __init__(self):
        super().__init__()
        self.started, self.let = threading.Event(), threading.Event()
        self.passes = []

    def encode(self, texts):
        self.passes.append(len(texts))
        self.started.set()
        assert self.let.wait(10)
        if "bad" in texts:
            raise ValueError("bad text")
        return super().encode(texts)


@pytest.fixture
def gated():
    return Gated()


async def asked(batcher, texts):
    tasks = [asyncio.create_task(batcher.encode(text)) for text in texts]
    await asyncio.sleep(0)
    return tasks


async def first_pass_runs(batcher, encoder):
    task = asyncio.create_task(batcher.encode("first"))
    await asyncio.to_thread(encoder.started.wait, 10)
    return task


async def test_all_who_wait_share_one_pass_and_get_their_own_vector(gated):
    texts = [f"text {number}" for number in range(MAX_BATCH + 5)]
    async with Batcher(gated) as batcher:
        first = await first_pass_runs(batcher, gated)
        tasks = await asked(batcher, texts)
        gated.let.set()
        vectors = await asyncio.gather(first, *tasks)
    assert gated.passes == [1, MAX_BATCH, 5]
    assert np.array_equal(sentences(vectors[1:]), sentences(HashingEncoder().encode(texts)))


async def test_an_asker_who_leaves_harms_nobody(gated):
    async with Batcher(gated) as batcher:
        first = await first_pass_runs(batcher, gated)
        leaving, staying = await asked(batcher, ["leaving", "staying"])
        first.cancel()
        leaving.cancel()
        await asyncio.sleep(0)
        gated.let.set()
        assert np.array_equal((await staying).sentence, HashingEncoder().encode(["staying"])[0].sentence)
    assert gated.passes == [1, 1]
    assert leaving.cancelled()


async def test_a_failed_pass_is_told_to_its_askers_and_the_next_one_works(gated):
    gated.let.set()
    async with Batcher(gated) as batcher:
        with pytest.raises(ValueError, match="bad text"):
            await batcher.encode("bad")
        assert (await batcher.encode("good")).sentence.shape == (256,)


async def test_beyond_the_queue_an_asker_is_refused_at_once(gated):
    async with Batcher(gated) as batcher:
        first = await first_pass_runs(batcher, gated)
        tasks = await asked(batcher, ["x"] * MAX_WAITING)
        with pytest.raises(EncoderBusy, match="1024 texts already wait"):
            await batcher.encode("one too many")
        gated.let.set()
        await asyncio.gather(first, *tasks)


async def test_leaving_ends_who_still_waits_and_refuses_later_askers(gated):
    async with Batcher(gated) as batcher:
        first = await first_pass_runs(batcher, gated)
        (waiting,) = await asked(batcher, ["waiting"])
        gated.let.set()
    results = await asyncio.gather(first, waiting, return_exceptions=True)
    assert all(isinstance(result, asyncio.CancelledError) for result in results)
    with pytest.raises(RuntimeError, match="the batcher is closed"):
        await batcher.encode("late")


async def test_an_error_in_the_body_stays_itself():
    with pytest.raises(KeyError):
        async with Batcher(HashingEncoder()):
            raise KeyError("x")
