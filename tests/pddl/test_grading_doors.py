"""Tasks that are not supported, lexicons that are given, several samples of a model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from surefoot.cli.main import run_command
from surefoot.core.errors import InputError
from surefoot.pddl.first_use import grade

from .test_grading import SHORT, folder

pytestmark = pytest.mark.quick

NUMERIC = """(define (domain trucks) (:predicates (p)) (:functions (fuel))
(:action drive :parameters () :precondition (> (fuel) 1) :effect (p)))"""


def mixed(root: Path) -> Path:
    folder(root, {"m": SHORT, "k": SHORT})
    place = root / "trucks"
    place.mkdir()
    (place / "domain.pddl").write_text(NUMERIC)
    (place / "p01.pddl").write_text("(define (problem x) (:domain trucks) (:init) (:goal (p)))")
    (place / "p01.pddl.m").write_text("drive")
    return root


def test_a_task_that_is_not_supported_is_a_row_in_no_rate(tmp_path: Path) -> None:
    root = mixed(tmp_path / "set")
    run = grade(root, root, tmp_path / "run", workers=2)
    summary = json.loads((tmp_path / "run" / "summary.json").read_text())
    rows = {(c["domain"], c["model"]): c for c in summary["cells"]}
    assert rows["blocksworld", "m"]["n"] == 1
    assert (rows["trucks", "m"]["n"], rows["trucks", "m"]["unsupported"]) == (0, 1)
    total = next(c for c in summary["totals"] if c["model"] == "m")
    assert (total["n"], total["valid"], total["unsupported"]) == (1, 1, 1)
    reason = "domain.pddl:2: unsupported: numeric comparisons (:numeric-fluents)"
    assert summary["unsupported"] == {"trucks/p01": reason}
    page = (tmp_path / "run" / "report.html").read_text()
    assert "numeric comparisons" in page
    assert "not supported" in page
    (record,) = (r for r in run.records if r.domain == "trucks")
    assert (record.kind, record.answer) == ("unsupported", "drive")
    again = grade(root, root, tmp_path / "run")
    assert again.records == run.records


def test_the_command_names_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = mixed(tmp_path / "set")
    out = str(tmp_path / "run")
    assert run_command(["grade", str(root), "--tasks", str(root), "--out", out]) == 0
    assert "trucks/p01: domain.pddl:2: unsupported" in " ".join(capsys.readouterr().err.split())


def test_if_no_task_is_supported_the_command_ends(tmp_path: Path) -> None:
    root = mixed(tmp_path / "set") / "trucks"
    with pytest.raises(InputError, match="unsupported: numeric comparisons"):
        grade(root, root, tmp_path / "run")
    assert not (tmp_path / "run").exists()


WORDS = "actions:\n  pickup: {phrases: [hoist]}\n  stack: {phrases: [plonk]}\n"
ODD = "1. Hoist b4.\n2. Plonk b4 on b1."


def test_a_lexicon_that_is_given(tmp_path: Path) -> None:
    root = folder(tmp_path / "set", {"m": ODD})
    plain = grade(root, root, tmp_path / "plain")
    assert plain.lexicons["blocksworld"].kind == "built-in"
    assert plain.records[0].cost is None
    file = tmp_path / "my.yaml"
    file.write_text(WORDS)
    for number, given in enumerate((str(file), f"blocksworld={file}")):
        out = tmp_path / f"run{number}"
        run = grade(root, root, out, lexicons=[given])
        assert run.records[0].cost == 2
        summary = json.loads((out / "summary.json").read_text())
        used = summary["lexicons"]["blocksworld"]
        assert (used["kind"], used["name"]) == ("given", str(file))
        assert len(used["sha256"]) == 64
        assert used["sha256"][:12] in (out / "report.html").read_text()
    file.write_text(WORDS + "scenery: [table]\n")
    with pytest.raises(InputError, match="another run: hashes"):
        grade(root, root, tmp_path / "run0", lexicons=[str(file)])


def test_a_lexicon_beside_the_domain_and_none(tmp_path: Path) -> None:
    root = mixed(tmp_path / "set")
    (root / "blocksworld" / "lexicon.yaml").write_text(WORDS)
    (root / "trucks" / "domain.pddl").write_text(
        "(define (domain trucks) (:predicates (p)) (:action drive :effect (p)))"
    )
    run = grade(root, root, tmp_path / "run")
    assert {d: x.kind for d, x in run.lexicons.items()} == {
        "blocksworld": "beside",
        "trucks": "none",
    }


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (["my.yaml"], "several domains; write DOMAIN=my.yaml"),
        (["truck=my.yaml"], "no domain 'truck'; did you mean 'trucks'"),
        (["trucks=absent.yaml", "trucks=b.yaml"], "'trucks' has two lexicons"),
        (["blocksworld=absent.yaml"], "cannot read the lexicon"),
    ],
)
def test_lexicons_that_cannot_be_used(tmp_path: Path, given: list[str], words: str) -> None:
    root = mixed(tmp_path / "set")
    with pytest.raises(InputError) as caught:
        grade(root, root, tmp_path / "run", lexicons=given)
    assert words in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_a_bench_leaves_out_what_is_not_supported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    root = mixed(tmp_path / "set")
    out = tmp_path / "run"
    arguments = ["bench", "--planners", "greedy", "--tasks", str(root), "--out", str(out)]
    assert run_command(arguments) == 0
    summary = json.loads((out / "summary.json").read_text())
    assert summary["unsupported"]["trucks/p01"].startswith("domain.pddl:2: unsupported")
    assert [(c["domain"], c["n"]) for c in summary["cells"]] == [("blocksworld", 1)]
    assert "numeric comparisons" in (out / "report.html").read_text()
    assert "left out, in no rate: trucks/p01" in " ".join(capsys.readouterr().err.split())
    arguments[4] = str(root / "trucks")
    arguments[6] = str(tmp_path / "none")
    assert run_command(arguments) == 2
    assert not (tmp_path / "none").exists()
