"""`transformers serve`, an implementation of OpenAI's protocol that nobody here wrote, with a model made on the spot."""

import os
import socket
import subprocess
import sys
import time
import urllib.request

import pytest

from bot.answer.reply.language_model.prompt import Prompt
from bot.answer.reply.language_model.provider import Service, connect

pytestmark = pytest.mark.slow

START_WITHIN_S = 300  # importing torch on a busy machine

# A random Llama of 16 dimensions whose tokens are bytes; nothing is downloaded.
MAKE = """
import sys, torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast
torch.manual_seed(0)
vocabulary = ["<s>", "</s>", *sorted(pre_tokenizers.ByteLevel.alphabet())]
tokenizer = Tokenizer(models.BPE(vocab={token: n for n, token in enumerate(vocabulary)}, merges=[]))
tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tokenizer.decoder = decoders.ByteLevel()
fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>", pad_token="</s>")
fast.chat_template = "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\\n{% endfor %}assistant:"
fast.save_pretrained(sys.argv[1])
LlamaForCausalLM(LlamaConfig(
    vocab_size=len(vocabulary), hidden_size=16, intermediate_size=32, num_hidden_layers=1, num_attention_heads=2,
    num_key_value_heads=2, max_position_embeddings=16384, bos_token_id=0, eos_token_id=1, pad_token_id=1,
)).save_pretrained(sys.argv[1])
"""


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """(base URL, model's name) of the running server."""
    folder = tmp_path_factory.mktemp("tiny")
    offline = os.environ | {"HF_HUB_OFFLINE": "1", "HF_HOME": str(folder)}
    subprocess.run([sys.executable, "-c", MAKE, str(folder)], env=offline, check=True, capture_output=True)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    serve = "from transformers.cli.transformers import main; main()"
    command = [sys.executable, "-c", serve, "serve", str(folder), "--host", "127.0.0.1", "--port", str(port)]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env=offline, stdout=log, stderr=log)
    try:
        await_health(f"http://127.0.0.1:{port}/health", process, folder / "log")
        yield f"http://127.0.0.1:{port}/v1", str(folder)
    finally:
        process.terminate()
        process.wait(timeout=30)


def await_health(url, process, log):
    deadline = time.monotonic() + START_WITHIN_S
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(url, timeout=1):
                return
        except OSError:
            time.sleep(0.1)
    pytest.fail(log.read_text())


def service(served, max_output_tokens, timeout_s=60):
    """Clients are shared by those of like timeout, also by tests, whose event loops differ."""
    base_url, model = served
    return Service(f"openai:{model}", base_url, "none", timeout_s, max_output_tokens, None)


async def test_its_stream_is_understood_to_the_last_token(served):
    stream = connect(service(served, 20, timeout_s=61), {})
    heard = [piece async for piece in stream(Prompt("Answer.", '{"question": "How?"}', (), 10))]
    assert "".join(piece.text for piece in heard)
    assert [piece.end for piece in heard if piece.end] != []
    assert sum(piece.input_tokens for piece in heard) > len('{"question": "How?"}')
    assert 0 < sum(piece.output_tokens for piece in heard) <= 21


async def test_a_model_that_babbles_gives_way_to_the_articles_own_words(served, task, asking, calls):
    generator = asking(connect(service(served, 40, timeout_s=62), {}), first_token_s=60, whole_s=60, output_tokens=40)
    wording = await generator.word(task)
    assert wording.text == task.extract.text
    assert calls[0].result in {"unsupported", "overlong"}
    assert calls[0].input_tokens > 100


async def test_it_hears_when_a_turn_is_given_up(served, task, asking, calls):
    generator = asking(connect(service(served, 4000), {}), first_token_s=60, whole_s=0.5, output_tokens=4000)
    assert (await generator.word(task)).text == task.extract.text
    again = asking(connect(service(served, 10), {}), first_token_s=60, whole_s=60)
    await again.word(task)
    assert calls[-1].result in {"unsupported", "overlong"}
