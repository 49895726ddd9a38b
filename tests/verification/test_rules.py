"""Rulebooks: the shipped ones, and what is wrong with others."""

from __future__ import annotations

from pathlib import Path

import pytest

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import FormulaError, parse
from surefoot.verification.monitoring.traces import check_traces, pack_traces
from surefoot.verification.rules import (
    RULEBOOKS,
    Rule,
    RuleBook,
    Severity,
    Timing,
    load_rulebook,
)
from surefoot.verification.translation.automata import compile_ltlf

pytestmark = pytest.mark.quick

GOOD = """\
name: mine
observations:
  red: the light is red
actions:
  go: drive
rules:
  - name: no-run
    formula: G(red -> !go)
    meaning: Do not drive at red.
    severity: critical
    timing: one-step-delay
"""


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "book.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_a_book_is_read(tmp_path: Path) -> None:
    book = load_rulebook(written(tmp_path, GOOD))
    assert book.rule("no-run") == Rule(
        "no-run",
        parse("G(red -> !go)"),
        "Do not drive at red.",
        Severity.CRITICAL,
        Timing.DELAYED,
    )
    assert (book.observations, book.actions) == (("red",), ("go",))
    assert book.propositions == {"red": "the light is red", "go": "drive"}
    with pytest.raises(InputError, match="did you mean 'no-run'"):
        book.rule("norun")


@pytest.mark.parametrize(
    ("old", "new", "line", "words"),
    [
        ("!go", "!gone", 8, "did you mean 'go'"),
        ("G(red -> !go)", "G(red -> )", 8, "expected a proposition, not '\\)'"),
        ("severity: critical", "severity: awful", 10, "'low', 'medium', 'high' or 'critical'"),
        ("severity: critical", "gravity: 1", 10, "is not known"),
        ("    formula: G(red -> !go)\n", "", 7, "is missing"),
        ("  go: drive", "  go: drive\n  red: again", None, "both as an observation"),
        ("  go: drive", "  go: drive\n  go: again", 6, "'go' stands twice"),
        ("  go: drive", "  go: [drive]", 5, "must be text"),
        ("  go: drive", "  go: &x drive\n  run: *x", None, "aliases"),
        ("rules:", "rules: []\nmore:", None, "is not known"),
        ("name: mine", "name: [", 3, "not valid YAML"),
        ("name: mine", "[" * 1200, None, "nested too deeply|not valid YAML"),
        ("name: mine", "name: \x00", None, "not valid YAML"),
        ("G(red -> !go)", " & ".join(f"x{i}" for i in range(40)), 8, "unknown proposition 'x0'"),
    ],
)
def test_mistakes_are_named_with_their_line(
    tmp_path: Path, old: str, new: str, line: int | None, words: str
) -> None:
    path = written(tmp_path, GOOD.replace(old, new, 1))
    with pytest.raises(InputError, match=words) as caught:
        load_rulebook(path)
    assert caught.value.file == str(path)
    assert line is None or caught.value.line == line
    assert "\n" not in str(caught.value)


def test_a_formula_error_has_the_column_of_the_file_and_of_the_formula(tmp_path: Path) -> None:
    path = written(tmp_path, GOOD.replace("!go", "!gone"))
    with pytest.raises(FormulaError) as caught:
        load_rulebook(path)
    column = caught.value.column or 0
    assert path.read_text().splitlines()[7][column - 1 :].startswith("gone")
    assert caught.value.shown().splitlines()[2].index("^") == 2 + "G(red -> !gone)".index("gone")
    path = written(tmp_path, GOOD.replace("G(red -> !go)", "|\n      G(red ->\n        !gone)"))
    with pytest.raises(FormulaError) as caught:
        load_rulebook(path)
    assert (caught.value.line, caught.value.column) == (8, None)
    assert "rule 'no-run'" in str(caught.value)


def test_empty_and_missing_books(tmp_path: Path) -> None:
    empty = GOOD[: GOOD.index("  - name")].replace("rules:", "rules: []")
    with pytest.raises(InputError, match="has no rules; add one"):
        load_rulebook(written(tmp_path, empty))
    with pytest.raises(InputError, match="'name:', 'rules:'"):
        load_rulebook(written(tmp_path, ""))
    with pytest.raises(InputError, match="unknown rulebook 'drivin'; did you mean 'driving'"):
        load_rulebook("drivin")
    with pytest.raises(InputError, match="cannot read the rulebook: no such file"):
        load_rulebook(tmp_path / "none.yaml")
    with pytest.raises(InputError, match="cannot read"):
        load_rulebook(tmp_path)
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InputError, match="not a text file"):
        load_rulebook(tmp_path / "binary.yaml")
    (tmp_path / "large.yaml").write_bytes(b"#" * (2**20 + 1))
    with pytest.raises(InputError, match="1 MiB"):
        load_rulebook(tmp_path / "large.yaml")


def test_forty_declared_propositions_in_one_rule_are_refused_on_reading(tmp_path: Path) -> None:
    names = [f"x{i}" for i in range(40)]
    declared = "  go: drive\n" + "".join(f"  {n}: one of many\n" for n in names)
    text = GOOD.replace("  go: drive\n", declared).replace("G(red -> !go)", " & ".join(names))
    with pytest.raises(InputError, match="40 propositions; at most 12") as caught:
        load_rulebook(written(tmp_path, text))
    assert caught.value.line == 48


def test_billions_by_alias_are_refused_at_once(tmp_path: Path) -> None:
    lines = ["a0: &a0 [x, x]"] + [f"a{i}: &a{i} [*a{i - 1}, *a{i - 1}]" for i in range(1, 60)]
    with pytest.raises(InputError, match="aliases"):
        load_rulebook(written(tmp_path, "\n".join(lines)))


def test_books_in_code_are_checked_too() -> None:
    rule = Rule("r", parse("G a"))
    with pytest.raises(InputError, match="two rules called 'r'"):
        RuleBook("b", (rule, rule), {"a": ""})
    with pytest.raises(InputError, match="unknown proposition 'a'; did you mean 'aa'"):
        RuleBook("b", (rule,), {"aa": ""})


def test_the_shipped_books_compile_and_use_what_they_declare() -> None:
    assert RULEBOOKS.names() == ("driving", "tabletop")
    for name, count in (("driving", 15), ("tabletop", 16)):
        book = load_rulebook(name)
        assert len(book.rules) == count
        used = {p for rule in book.rules for p in rule.formula.propositions}
        assert used == set(book.propositions)
        assert set(book.observations) | set(book.actions) == used
        for rule in book.rules:
            automaton = compile_ltlf(rule.formula)
            assert rule.meaning.endswith(".")
            assert set(automaton.verdicts) != {1}, rule.name  # no rule is a tautology
            assert set(automaton.verdicts) != {-1}, rule.name


def failed(traces: list[list[set[str]]]) -> set[int]:
    """Numbers of the driving rules that at least one trace breaks."""
    book = load_rulebook("driving")
    labels, offsets = pack_traces(traces, list(book.propositions))
    verdicts = check_traces(book.rules, list(book.propositions), labels, offsets)
    return {j + 1 for j in range(15) if not verdicts[:, j].all()}


def observation_sets() -> list[set[str]]:
    names = load_rulebook("driving").observations
    return [{n for i, n in enumerate(names) if bits >> i & 1} for bits in range(2 ** len(names))]


def test_always_stop_passes_thirteen_rules_if_the_way_is_dark_at_first() -> None:
    """The figure of the sources, 13 of 15, needs a first step without a green light."""
    worlds = observation_sets()
    assert failed([[{"stop"}, seen | {"stop"}] for seen in worlds]) == {10, 13}
    # from any first step on, green for ever breaks rule 7 too
    assert failed([[seen | {"stop"}, seen | {"stop"}] for seen in worlds]) == {7, 10, 13}


def test_any_action_passes_two_rules_if_the_way_is_dark_at_first() -> None:
    actions = load_rulebook("driving").actions
    worlds = observation_sets()
    anything = [[{"stop"}, seen | {action}] for seen in worlds for action in actions]
    assert set(range(1, 16)) - failed(anything) == {6, 7}


@pytest.mark.parametrize(
    ("trace", "broken"),
    [
        (
            "open_lid hand_empty; pick hand_empty block_clear; put_in container_open;"
            "close_lid hand_empty; look goal_reached hand_empty",
            set(),
        ),
        ("pick block_clear; put_in container_open goal_reached", {"grasp-with-empty-hand"}),
        ("pick hand_empty; look goal_reached hand_empty", {"grasp-only-clear-blocks"}),
        (
            "place hand_empty target_vacant target_stable; look hand_empty goal_reached",
            {"release-only-what-is-held"},
        ),
        ("stack target_vacant; look goal_reached hand_empty", {"place-only-on-stable-support"}),
        ("put_down; look goal_reached hand_empty", {"place-only-where-there-is-room"}),
        (
            "put_down target_vacant target_is_lid; look goal_reached hand_empty",
            {"nothing-on-a-closed-lid"},
        ),
        (
            "stack target_vacant target_stable fragile_below goal_reached; wait hand_empty",
            {"nothing-on-fragile-things"},
        ),
        ("put_in goal_reached; wait hand_empty", {"reach-only-into-open-containers"}),
        ("close_lid hand_empty; take_out hand_empty container_open goal_reached", set()),
        (
            "close_lid hand_empty; put_in goal_reached",
            {"open-again-before-reaching-in", "reach-only-into-open-containers"},
        ),
        (
            "open_lid; close_lid hand_empty goal_reached",
            {"lids-with-empty-hand", "empty-hand-at-the-end"},
        ),
        (
            "put_in container_open person_near; wait hand_empty goal_reached",
            {"still-while-holding-near-people"},
        ),
        (
            "pick hand_empty block_clear unsure; look goal_reached hand_empty",
            {"no-grasp-while-unsure"},
        ),
        ("wait unsure hand_empty goal_reached", {"settle-what-is-unsure"}),
        ("open_lid hand_empty; wait goal_reached hand_empty", {"close-what-was-opened"}),
        ("pick hand_empty block_clear; wait goal_reached", {"empty-hand-at-the-end"}),
        ("wait hand_empty", {"reach-the-goal"}),
    ],
)
def test_tabletop_rules_by_example(trace: str, broken: set[str]) -> None:
    book = load_rulebook("tabletop")
    steps = [set(step.split()) for step in trace.split(";")]
    labels, offsets = pack_traces([steps], list(book.propositions))
    verdicts = check_traces(book.rules, list(book.propositions), labels, offsets)[0]
    found = {rule.name for rule, fine in zip(book.rules, verdicts, strict=True) if not fine}
    assert found == broken
