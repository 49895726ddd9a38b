"""Local models, and the same weights behind a real ``transformers serve``."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from surefoot.core.chat import Message, OptionRequest, ReplyStatus, Request
from surefoot.core.errors import InputError, ModelRefusedError
from surefoot.models.backends.hf import HFModel
from surefoot.models.backends.openai import OpenAIModel
from surefoot.models.choosing import choose, folded, scores_directly
from surefoot.models.options import ModelOptions, read_options
from surefoot.models.protocol import OptionScorer, TextModel
from surefoot.models.registry import make_planner
from tests.waiting import HANGING_S, until

torch.set_num_threads(1)
TEMPLATE = (
    "{% for m in messages %}<{{ m.role }}>{{ m.content }}\n{% endfor %}"
    "{% if add_generation_prompt %}<assistant>{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

    place = tmp_path_factory.mktemp("tiny")
    base = Tokenizer(models.BPE())
    base.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    base.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<pad>", "<s>", "</s>"],
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    base.train_from_iterator(["the robot moves the block"] * 10, trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=base, pad_token="<pad>", bos_token="<s>", eos_token="</s>"
    )
    tokenizer.chat_template = TEMPLATE
    torch.manual_seed(3)
    config = LlamaConfig(
        vocab_size=300,
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        initializer_range=0.3,
    )
    LlamaForCausalLM(config).save_pretrained(place)
    tokenizer.save_pretrained(place)
    return place


def ask(text: str, **options: object) -> Request:
    return Request((Message("user", text),), **{"max_tokens": 12, **options})


def test_a_batch_says_what_single_requests_say(folder: Path) -> None:
    texts = ["a", "move the block to the robot", "the", "why?", "b c d e f g h"]
    batched = HFModel(str(folder), batch=4)
    assert isinstance(batched, TextModel)
    assert isinstance(batched, OptionScorer)
    together = dict(batched.generate([ask(t) for t in texts]))
    single = HFModel(str(folder), batch=1)
    for i, text in enumerate(texts):
        ((_, alone),) = single.generate([ask(text)])
        assert together[i].text == alone.text
        assert together[i].usage.prompt_tokens == alone.usage.prompt_tokens


def test_seeds_decide_what_is_drawn(folder: Path) -> None:
    model = HFModel(str(folder))
    asked = [ask("a", temperature=1.0, seed=s) for s in (1, 2, 1)]
    found = [c.text for _, c in sorted(model.generate(asked))]
    assert found[0] == found[2] != found[1]


def test_likelihoods_agree_with_a_direct_computation(folder: Path) -> None:
    model = HFModel(str(folder))
    options = ["yes", "no", "the robot", "block"]
    scores = model.score(ask("is it so?"), options)
    assert sum(scores.probabilities) == pytest.approx(1.0)
    net, tokenizer = model.network, model.tokenizer
    sums = []
    for option in options:
        head = tokenizer("<user>is it so?\n<assistant>", return_tensors="pt")["input_ids"]
        tail = tokenizer(option, return_tensors="pt", add_special_tokens=False)["input_ids"]
        with torch.inference_mode():
            logits = net(torch.cat([head, tail], 1)).logits[0].double()
        logp = torch.log_softmax(logits, -1)
        start = head.shape[1] - 1
        sums.append(sum(float(logp[start + k, t]) for k, t in enumerate(tail[0])))
    expected = torch.softmax(torch.tensor(sums), 0).tolist()
    assert scores.probabilities == pytest.approx(expected, abs=1e-4)


def test_a_folder_scores_letters_and_not_the_shortest_answer(folder: Path) -> None:
    """The sum of log-probabilities would favour the short answer, whatever the model."""
    model = HFModel(str(folder))
    assert not scores_directly(model)
    model.network.config.max_position_embeddings = 512
    options = ("a", "to the block, to the block, the block")
    asked = OptionRequest((Message("user", "where?"),), options)
    (found,) = choose(model, [asked], ModelOptions(option_floor=0.0))
    assert found.method == "logprobs"
    assert found.probabilities[0] < 0.9
    assert 0 < found.mass < 0.5
    (strict,) = choose(model, [asked], ModelOptions())
    assert (strict.status, strict.probabilities) == (ReplyStatus.UNSCORED, ())
    net, tokenizer = model.network, model.tokenizer
    masses = [0.0, 0.0]
    for listed in (asked.options, asked.options[::-1]):
        text = (
            f"where?\n\nOptions:\nA) {listed[0]}\nB) {listed[1]}\n"
            "Answer with the letter of one option and nothing else."
        )
        ids = tokenizer(f"<user>{text}\n<assistant>", return_tensors="pt")["input_ids"]
        with torch.inference_mode():
            chances = torch.softmax(net(ids).logits[0, -1].double(), -1)
        for token, chance in enumerate(chances.tolist()):
            said = folded(tokenizer.decode([token]))
            if said in ("a", "b"):
                masses[asked.options.index(listed["ab".index(said)])] += chance / 2
    assert found.probabilities == pytest.approx([m / sum(masses) for m in masses], rel=0.05)


def test_thinking_that_a_template_opens_is_no_answer(folder: Path, tmp_path: Path) -> None:
    place = tmp_path / "thinker"
    shutil.copytree(folder, place)
    template = place / "chat_template.jinja"
    config = json.loads((place / "tokenizer_config.json").read_text())
    text = config.get("chat_template") or template.read_text()
    if template.exists():
        template.write_text(f"{text}<think>")
    else:
        config["chat_template"] = f"{text}<think>"
        (place / "tokenizer_config.json").write_text(json.dumps(config))
    ((_, found),) = HFModel(str(place)).generate([ask("a", max_tokens=5)])
    assert (found.status, found.text) == (ReplyStatus.CUT, "")
    assert found.thinking


def test_first_token_probabilities(folder: Path) -> None:
    ((_, found),) = HFModel(str(folder)).generate([ask("a", top_logprobs=5)])
    values = list(found.first_logprobs.values())
    assert 1 <= len(values) <= 5
    assert values == sorted(values, reverse=True)
    assert max(values) <= 0


def test_cut_answers_and_prompts_that_are_too_long(folder: Path) -> None:
    model = HFModel(str(folder))
    ((_, cut),) = model.generate([ask("a", max_tokens=3)])
    assert cut.status is ReplyStatus.CUT
    assert cut.usage.completion_tokens == 3
    ((_, long),) = model.generate([ask("word " * 400)])
    assert long.status is ReplyStatus.CUT
    assert "the model takes 128" in long.message


def test_places_that_hold_no_model(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no model here"):
        HFModel(str(tmp_path))
    with pytest.raises(InputError, match="no model here"):
        HFModel("./nowhere/at/all")
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(InputError, match="cannot load the model"):
        list(HFModel(str(tmp_path)).generate([ask("a")]))


def test_specifications_and_settings() -> None:
    with pytest.raises(InputError, match="unknown planner 'gpt'; known: "):
        make_planner("gpt", ModelOptions())
    assert read_options(["timeout_s=3", "api=responses"]).timeout_s == 3
    with pytest.raises(InputError, match=r"colour: is not known; known: base_url"):
        read_options(["colour=red"])
    with pytest.raises(InputError, match="not of the form NAME=VALUE"):
        read_options(["timeout_s"])


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=HANGING_S):
            return True
    except OSError:
        return False


@pytest.fixture(scope="module")
def served(folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    home = tmp_path_factory.mktemp("home")
    (home / "hub").mkdir()
    settings = {**os.environ, "HF_HOME": str(home), "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    command = [
        str(Path(sys.executable).with_name("transformers")),
        "serve",
        str(folder),
        "--device",
        "cpu",
        "--host",
        "127.0.0.1",
        "--port",
        str(port),
    ]
    log = (home / "log").open("w")
    process = subprocess.Popen(command, env=settings, stdout=log, stderr=log)
    try:
        until(lambda: answers(f"http://127.0.0.1:{port}/health") or process.poll() is not None)
        assert process.poll() is None, (home / "log").read_text()[-2000:]
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(HANGING_S)


@pytest.mark.parametrize("api", ["chat", "responses"])
def test_a_real_server_says_what_the_local_model_says(folder: Path, served: str, api: str) -> None:
    remote = OpenAIModel(
        str(folder), base_url=served, api=api, timeout_s=HANGING_S, retries=0, stream=False
    )
    asked = [ask("the robot"), ask("move it"), ask("a")]
    found = dict(remote.generate(asked))
    assert [c.status for c in found.values()] == [c.status for c in found.values()]
    assert all(c.status is not ReplyStatus.SERVER_ERROR for c in found.values()), found
    local = dict(HFModel(str(folder)).generate(asked))
    assert {i: c.text for i, c in found.items()} == {i: c.text for i, c in local.items()}
    streamed = dict(OpenAIModel(str(folder), remote.options, stream=True).generate(asked))
    # The server streams no letter that is not complete, and this model's last ones are not.
    assert all(local[i].text.startswith(c.text) and c.text for i, c in streamed.items())


def test_a_real_server_is_probed(folder: Path, served: str) -> None:
    remote = OpenAIModel(str(folder), base_url=served, timeout_s=HANGING_S, retries=0)
    seen = remote.capabilities()
    assert not seen.structured
    assert not seen.logprobs
    assert not seen.images


def test_a_model_that_the_server_lacks_is_the_servers_trouble(served: str) -> None:
    remote = OpenAIModel("no/such-model", base_url=served, timeout_s=HANGING_S, retries=0)
    with pytest.raises(ModelRefusedError, match="no/such-model"):
        list(remote.generate([ask("a")]))


def test_what_is_drawn_does_not_depend_on_the_batch(folder: Path) -> None:
    asked = [ask(t, temperature=1.0, seed=s) for s, t in enumerate(["a", "the robot", "a", "b c"])]
    together = dict(HFModel(str(folder), batch=4).generate(asked))
    for i, request in enumerate(asked):
        ((_, alone),) = HFModel(str(folder)).generate([request])
        assert together[i].text == alone.text
    assert together[0].text != together[2].text


def test_draws_follow_the_model_s_distribution() -> None:
    from surefoot.models.backends.sampling import SeededDraws

    logits = torch.tensor([0.0, 1.0, 2.5, -1.0])
    n, temperature = 20_000, 0.8
    draws = SeededDraws(range(n), temperature)
    picked = draws(torch.zeros(n, 1), logits.expand(n, -1)).argmax(-1)
    counts = torch.bincount(picked, minlength=4).double()
    expected = torch.softmax(logits.double() / temperature, 0) * n
    chi_square = float(((counts - expected) ** 2 / expected).sum())
    assert chi_square < 16.3  # 99.9 % of a chi-square with three degrees of freedom
