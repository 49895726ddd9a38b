"""``surefoot refactor`` on a planner that comes with Surefoot, and its results put to use."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from surefoot.cli.main import app
from surefoot.core.errors import InputError
from surefoot.experiments.local_models.domains import domain_texts
from surefoot.models.backends.hf import HFModel
from surefoot.models.options import ModelOptions
from surefoot.models.registry import make_planner
from surefoot.models.shipped import LOCAL_PLANNER, shipped_folder
from surefoot.models.training.data import TRAIN_SIZES
from surefoot.sparsity.experts.model import ReadMeForCausalLM
from surefoot.sparsity.experts.refactoring import RefactorSettings, refactor_folder
from surefoot.sparsity.experts.store import ExpertStore
from tests.sparsity.tiny import make

torch.set_num_threads(1)

RUNNER = CliRunner()
FEW = (
    "--num-texts",
    "60",
    "--set",
    "samples=4",
    "--set",
    "held_out=2",
    "--set",
    "length=256",
    "--set",
    "tune.rounds=1",
    "--set",
    "tune.router_steps=2",
    "--set",
    "tune.expert_steps=3",
    "--set",
    "tune.router_batch=4",
    "--set",
    "tune.expert_batch=4",
    "--set",
    "tune.expert_rate=0.0005",
)


def run(*arguments: str) -> tuple[int, str]:
    result = RUNNER.invoke(app, list(arguments))
    return result.exit_code, result.output + str(result.exception or "")


@pytest.fixture(scope="module")
def refactored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("refactored") / "planner"
    code, output = run("refactor", "local-planner", "--out", str(out), *FEW)
    assert code == 0, output
    assert "experts, after tuning" in output
    return out


def test_the_report_says_what_was_done(refactored: Path) -> None:
    report = json.loads((refactored / "refactor.json").read_bytes())
    assert report["domains"] == sorted(TRAIN_SIZES)
    losses = report["losses"]
    assert losses["dense"] < losses["after"] < losses["before"]
    assert len(report["rounds"]) == 1
    assert report["rounds"][0]["held"] == losses["after"]
    sizes = report["parameters"]
    assert sizes["active"] < sizes["dense"] < sizes["total"]
    for layer in report["layers"]:
        assert {layer["permanent"] + own for own in layer["own"]} == {layer["width"] // 2}
    assert not (refactored / "work").exists()


def test_it_is_a_planner(refactored: Path) -> None:
    model = HFModel(str(refactored), device="cpu")
    assert model.notes.prompt_style == "compact"
    loaded = make_planner(f"hf:{refactored}", ModelOptions())
    assert loaded.name == f"hf:{refactored}"
    network = model.network
    assert isinstance(network, ReadMeForCausalLM)
    report = json.loads((refactored / "refactor.json").read_bytes())
    kept = sum(p.numel() for p in network.parameters())
    rest = sum(a["rest"] for a in report["layers"])
    assert kept == report["parameters"]["total"] + 3 * 128 * rest
    store = ExpertStore(refactored)
    assert store.experts == len(TRAIN_SIZES)
    for name, value in store.load(3).items():
        own = network.expert_tensors(3)[name]
        assert value.dtype == torch.float16
        assert torch.equal(value.float(), own)


def test_the_bench_runs_it(refactored: Path, tmp_path: Path) -> None:
    code, output = run(
        "bench",
        "--planners",
        f"hf:{refactored}",
        "--domains",
        "blocksworld",
        "--seeds",
        "0,1",
        "--styles",
        "compact",
        "--out",
        str(tmp_path / "bench"),
    )
    assert code == 0, output
    assert (tmp_path / "bench" / "summary.json").is_file()


def test_a_second_call_tells_that_it_is_done(refactored: Path) -> None:
    before = (refactored / "refactor.json").read_bytes()
    code, output = run("refactor", "local-planner", "--out", str(refactored), *FEW)
    assert code == 0, output
    assert "already refactored" in output
    assert (refactored / "refactor.json").read_bytes() == before
    code, output = run(
        "refactor", "local-planner", "--out", str(refactored), *FEW, "--set", "keep=0.4"
    )
    assert code != 0
    assert "another refactoring lies here" in output


def test_texts_of_any_model_are_taken_by_domain(tmp_path: Path) -> None:
    texts = []
    for name in ("on", "at"):
        file = tmp_path / f"{name}.jsonl"
        lines = [json.dumps({"text": f"({name} b{i} b{i + j})"}) for i in range(9) for j in (1, 2)]
        file.write_text("\n".join(lines))
        texts += ["--texts", f"{name}={file}"]
    out = tmp_path / "out"
    code, output = run("refactor", str(LOCAL_PLANNER), "--out", str(out), *texts, *FEW[2:])
    assert code == 0, output
    report = json.loads((out / "refactor.json").read_bytes())
    assert report["domains"] == ["on", "at"]
    for wrong, why in (
        (texts[:2], "at least two domains, not 1"),
        (["--texts", "on"], "not of the form DOMAIN=FILE"),
        ([*texts[:2], *texts[:2]], "names domain 'on' twice"),
        ([*texts[:2], "--texts", f"x={tmp_path / 'none'}"], "cannot read the calibration texts"),
    ):
        code, output = run("refactor", str(LOCAL_PLANNER), "--out", str(tmp_path / "no"), *wrong)
        assert code != 0
        assert why in output
    assert not (tmp_path / "no").exists()


def test_what_cannot_be_refactored_is_told(refactored: Path, tmp_path: Path) -> None:
    plain = make("gpt2", tmp_path / "gpt2")
    for name in ("tokenizer.json", "tokenizer_config.json", "surefoot.json"):
        shutil.copyfile(LOCAL_PLANNER / name, plain / name)
    out = str(tmp_path / "out")
    for model, more, why in (
        (str(plain), FEW, "has no gated perceptrons"),
        (str(refactored), FEW, "gated perceptrons"),
        (str(tmp_path), FEW, "no model here"),
        ("local-perception", FEW, "no planner of this project"),
        ("local-planner", (*FEW, "--set", "tune.expert_rate=1e30"), "the loss is not finite"),
        ("local-planner", (*FEW, "--set", "keep=0"), "fraction of neurons to keep"),
        ("local-planner", (*FEW, "--set", "kept=1"), "kept"),
        ("local-planner", (*FEW, "--set", "tune.loss=repo"), "tune.loss"),
    ):
        code, output = run("refactor", model, "--out", out, *more)
        assert code != 0
        assert why in output, output
        assert not Path(out).exists()
    code, output = run("refactor", "local-planner", "--out", str(LOCAL_PLANNER / "x"), *FEW)
    assert code != 0
    assert "lies in the model's folder" in output


def test_texts_of_the_agent_are_of_four_domains() -> None:
    folder = shipped_folder("local-agent")
    assert folder is not None
    found = domain_texts(folder, 40, least=2, longest=400, seed=1)
    assert list(found) == ["crossing-plan", "crossing-verdict", "tabletop-plan", "tabletop-verdict"]
    assert all(len(texts) >= 2 for texts in found.values())
    assert found == domain_texts(folder, 40, least=2, longest=400, seed=1)
    verdicts = {len(ids) - start for ids, start in found["tabletop-verdict"]}
    assert verdicts == {2}  # yes or no, and the end
    with pytest.raises(InputError, match="no planner of this project"):
        domain_texts(LOCAL_PLANNER.parent / "local-perception", 4, least=1, longest=9)


def test_a_program_that_knows_nothing_of_experts_reads_it(refactored: Path) -> None:
    code = (
        "import sys; from surefoot.models.backends.hf import HFModel; "
        "print('surefoot.sparsity.experts.model' in sys.modules); "
        f"print(type(HFModel({str(refactored)!r}, device='cpu').network).__name__)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "ReadMeForCausalLM"]


def test_an_interrupted_refactoring_goes_on(tmp_path: Path) -> None:
    settings = RefactorSettings.model_validate(
        {
            "samples": 2,
            "held_out": 1,
            "length": 256,
            "rest": False,
            "tune": {
                "rounds": 2,
                "router_steps": 1,
                "expert_steps": 2,
                "router_batch": 2,
                "expert_batch": 2,
                "expert_rate": 5e-4,
            },
        }
    )
    texts = domain_texts(LOCAL_PLANNER, 40, least=3, longest=256)
    whole = refactor_folder(LOCAL_PLANNER, tmp_path / "whole", texts, settings)

    def stop(done: int, total: int, part: str = "") -> None:
        if part == "tuning" and done == 5:  # in the second round
            raise KeyboardInterrupt

    out = tmp_path / "stopped"
    with pytest.raises(KeyboardInterrupt):
        refactor_folder(LOCAL_PLANNER, out, texts, settings, progress=stop)
    assert not (out / "config.json").exists()
    calls: list[int] = []
    report = refactor_folder(
        LOCAL_PLANNER,
        out,
        texts,
        settings,
        progress=lambda done, total, part="": calls.append(done) if part == "tuning" else None,
    )
    assert calls == [4, 5, 6]
    assert report["rounds"] == whole["rounds"]
    assert report["losses"]["after"] == whole["losses"]["after"]
    weights = [(tmp_path / n / "model.safetensors").read_bytes() for n in ("whole", "stopped")]
    assert weights[0] == weights[1]
