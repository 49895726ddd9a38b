"""Automata: against the definition, minimal, cached, within limits."""

from __future__ import annotations

import resource
import subprocess
import sys
import time
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest

from surefoot.core.errors import InputError
from surefoot.verification.formulas.parser import parse
from surefoot.verification.formulas.semantics import evaluate, evaluate_lasso
from surefoot.verification.formulas.syntax import And, Formula, Next, Not, Or, Prop, StrongNext, Xor
from surefoot.verification.translation import automata, cache, determinise, spot_backend
from surefoot.verification.translation.automata import Automaton, compile_buchi, compile_ltlf
from tests.verification.naive import Trace, holds, random_formula, random_trace

NAMES = ["a", "b", "c"]


@pytest.fixture
def nothing_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    """Thousands of small formulas are not worth a file each."""
    monkeypatch.setenv(cache.VARIABLE, "")


@pytest.fixture(autouse=True)
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))


def run(automaton: Automaton, trace: Trace) -> int:
    state = automaton.initial
    for step in trace:
        letter = sum(1 << i for i, p in enumerate(automaton.propositions) if p in step)
        state = int(automaton.table[state, letter])
    return state


@pytest.mark.usefixtures("nothing_kept")
def test_automata_agree_with_the_definition_on_many_pairs() -> None:
    rng, pairs, mismatches, empty, true = Random(11), 0, [], 0, 0
    while pairs < 24_000:
        names = NAMES[: rng.randint(1, 3)]
        formula = random_formula(rng, rng.randint(1, 11), names)
        automaton = compile_ltlf(parse(str(formula)))
        for _ in range(20):
            trace = random_trace(rng, names, rng.choice([0, 1, 1, 2, 3, 4, 6, 9]))
            expected = holds(formula, trace)
            state = run(automaton, trace)
            pairs, empty, true = pairs + 1, empty + (not trace), true + expected
            if automaton.accepting[state] != expected or evaluate(formula, trace) != expected:
                mismatches.append((str(formula), trace))
    assert mismatches == []
    assert empty > 2000
    assert 0.3 < true / pairs < 0.7


@pytest.mark.usefixtures("nothing_kept")
def test_verdicts_are_those_of_all_continuations() -> None:
    rng = Random(5)
    seen = set()
    for _ in range(150):
        formula = random_formula(rng, rng.randint(1, 8), ["a", "b"])
        automaton = compile_ltlf(formula)
        reach = np.eye(len(automaton.table), dtype=bool)
        for _ in automaton.table:
            reach |= one_step_further(reach, automaton)
        for state, reached in enumerate(reach):
            ends = automaton.accepting[reached]
            expected = 1 if ends.all() else -1 if not ends.any() else 0
            assert automaton.verdicts[state] == expected
            seen.add(expected)
    assert seen == {-1, 0, 1}


def one_step_further(reach: Any, automaton: Automaton) -> Any:
    further = np.zeros_like(reach)
    for state in range(len(reach)):
        further[:, automaton.table[state]] |= reach[:, [state]]
    return further


@pytest.mark.usefixtures("nothing_kept")
def test_automata_are_minimal_and_reachable() -> None:
    rng = Random(6)
    for _ in range(200):
        automaton = compile_ltlf(random_formula(rng, rng.randint(2, 10), ["a", "b"]))
        count, letters = automaton.table.shape
        reached = {automaton.initial}
        for _ in range(count):
            reached |= {int(t) for s in reached for t in automaton.table[s]}
        assert reached == set(range(count))
        # states are told apart by some trace: all pairs, by table filling
        apart = automaton.accepting[:, None] != automaton.accepting[None, :]
        for _ in range(count):
            for letter in range(letters):
                to = automaton.table[:, letter]
                apart |= apart[np.ix_(to, to)]
        assert apart.sum() == count * (count - 1)


@pytest.mark.usefixtures("nothing_kept")
def test_the_way_by_the_negation_gives_the_same_tables() -> None:
    rng = Random(8)
    for _ in range(300):
        formula = random_formula(rng, rng.randint(1, 10), ["p0", "p1"])
        text, count = str(Not(formula)), 2
        edges = spot_backend.translate(text, count, finite=True)
        empty = evaluate(formula, [])
        other = determinise.minimised(*determinise.determinised(edges, empty=empty, negated=True))
        edges = spot_backend.translate(str(formula), count, finite=True)
        plain = determinise.minimised(*determinise.determinised(edges, empty=empty))
        assert (other[0].shape, other[1].tolist()) == (plain[0].shape, plain[1].tolist())
        assert (other[0] == plain[0]).all()


def test_next_is_weak_or_strong_and_the_empty_trace_is_decided() -> None:
    def ends(text: str, trace: Trace) -> bool:
        automaton = compile_ltlf(parse(text))
        return bool(automaton.accepting[run(automaton, trace)])

    assert ends("X a", [set()])
    assert not ends("X[!] a", [set()])
    assert ends("F(a & X 0)", [set(), {"a"}])
    assert not ends("F(a & X 0)", [{"a"}, set()])
    for text in ("G a", "!a", "X 0", "a W b", "a R b", "1", "a -> b"):
        assert ends(text, []), text
    for text in ("F a", "a", "X[!] 1", "a U b", "a M b", "0", "!(a -> b)"):
        assert not ends(text, []), text


@pytest.mark.usefixtures("nothing_kept")
def test_buchi_automata_accept_the_words_that_satisfy() -> None:
    rng = Random(9)
    accepted = 0
    for _ in range(300):
        formula = random_formula(rng, rng.randint(1, 8), ["a", "b"])
        automaton = compile_buchi(formula)
        prefix = random_trace(rng, ["a", "b"], rng.randint(0, 3))
        loop = random_trace(rng, ["a", "b"], rng.randint(1, 3))
        expected = evaluate_lasso(formula, prefix, loop)
        assert accepts(automaton, prefix, loop) == expected, (str(formula), prefix, loop)
        accepted += expected
    assert 75 < accepted < 225


def accepts(automaton: automata.BuchiAutomaton, prefix: Trace, loop: Trace) -> bool:
    word, back = prefix + loop, len(prefix)
    moves: dict[tuple[int, int], list[tuple[int, int]]] = {}
    for i, step in enumerate(word):
        letter = sum(1 << j for j, p in enumerate(automaton.propositions) if p in step)
        following = i + 1 if i + 1 < len(word) else back
        for edge in np.flatnonzero(automaton.letters[:, letter]):
            source, target = int(automaton.sources[edge]), int(automaton.targets[edge])
            moves.setdefault((i, source), []).append((following, target))

    def reached(start: list[tuple[int, int]]) -> set[tuple[int, int]]:
        found, stack = set(start), list(start)
        while stack:
            for node in moves.get(stack.pop(), []):
                if node not in found:
                    found.add(node)
                    stack.append(node)
        return found

    return any(
        automaton.accepting[state] and (i, state) in reached(moves.get((i, state), []))
        for i, state in reached([(0, automaton.initial)])
    )


def test_the_lasso_semantics_by_example() -> None:
    assert evaluate_lasso(parse("G F a & G F !a"), [set()], [{"a"}, set()])
    assert not evaluate_lasso(parse("F G a"), [], [{"a"}, set()])
    assert evaluate_lasso(parse("F G a & X[!] X a"), [set()], [{"a"}])
    assert evaluate_lasso(parse("G(a -> X !a) & G(!a -> X a)"), [], [{"a"}, set()])
    assert not evaluate_lasso(parse("(b U a) | (a M b)"), [], [{"b"}])
    assert evaluate_lasso(parse("(b W a) & (a R b)"), [], [{"b"}])
    with pytest.raises(InputError, match="loop"):
        evaluate_lasso(parse("a"), [set()], [])


def test_formulas_that_differ_in_names_share_a_table(tmp_path: Path) -> None:
    one, two = compile_ltlf(parse("G(a -> F b)")), compile_ltlf(parse('G("x y" -> F a)'))
    assert one.table is two.table
    assert two.propositions == ("x y", "a")
    assert len(list((tmp_path / "automata").glob("*.npz"))) == 1
    with pytest.raises(ValueError, match="read-only"):
        one.table[0, 0] = 1


def test_the_disk_cache_is_used_and_damage_is_mended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    formula, folder = parse("G(a -> F b) & F c"), tmp_path / "mine"
    first = compile_ltlf(formula, cache_folder=folder)
    (entry,) = folder.iterdir()
    whole = entry.read_bytes()
    calls: list[str] = []
    translate = automata.translate

    def counted(text: str, *args: Any, **kwargs: Any) -> Any:
        calls.append(text)
        return translate(text, *args, **kwargs)

    monkeypatch.setattr(automata, "translate", counted)
    found = enumerate([(whole, 0), (whole[:100], 1), (b"", 1), (b"junk", 1)])
    for number, (content, translated) in found:  # each in a folder that this process has not read
        calls.clear()
        kept = tmp_path / str(number) / entry.name
        kept.parent.mkdir()
        kept.write_bytes(content)
        again = compile_ltlf(formula, cache_folder=kept.parent)
        assert (again.table == first.table).all()
        assert (again.accepting == first.accepting).all()
        assert len(calls) == translated
        assert kept.read_bytes() == whole


def test_no_flipped_byte_of_a_kept_automaton_goes_unnoticed(tmp_path: Path) -> None:
    arrays = {"table": np.arange(64, dtype=np.int32).reshape(8, 8), "initial": np.array(3)}
    cache.store(tmp_path, "k", arrays)
    whole = (tmp_path / "k.npz").read_bytes()
    missing = 0
    for at in range(len(whole)):
        (tmp_path / "k.npz").write_bytes(whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :])
        found = cache.load(tmp_path, "k", list(arrays))
        missing += found is None
        assert found is None or all((found[n] == a).all() for n, a in arrays.items())
    assert missing > 100


def test_a_cache_that_cannot_be_written_is_done_without(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    assert compile_ltlf(parse("F(a & b & !c)"), cache_folder=tmp_path / "file").initial == 0
    assert (tmp_path / "file").read_text() == "in the way"


def test_where_the_cache_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(cache.VARIABLE, "")
    assert cache.default_folder() is None
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", "/x")
    monkeypatch.setattr(sys, "platform", "linux")
    assert cache.default_folder() == Path("/x/surefoot/automata")
    monkeypatch.setattr(sys, "platform", "darwin")
    assert cache.default_folder() == Path.home() / "Library/Caches/surefoot/automata"


def chain(step: type[Next] | type[StrongNext], length: int, formula: Formula) -> Formula:
    for _ in range(length):
        formula = step(formula)
    return formula


def computed() -> float:
    """Seconds of processor time of this process and the children that it has waited for."""
    return time.process_time() + sum(resource.getrusage(resource.RUSAGE_CHILDREN)[:2])


@pytest.mark.parametrize(
    ("formula", "words"),
    [
        (And(tuple(Prop(f"p{i}") for i in range(40))), "40 propositions; at most 12"),
        (chain(Next, 151, Prop("a")), "nested deeper"),
        (Or(tuple(Prop("a") for _ in range(30_000))), "operators"),
        (parse("F(a & X[20!] b)"), "too large"),
        (parse("G(a -> F(b & X[9!] c)) <-> F(c & X[9!](a U b))"), "too large"),
    ],
)
def test_what_is_too_large_is_refused_in_time(
    formula: Formula, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(automata, "SECONDS", 1.5)
    start = computed()
    with pytest.raises(InputError, match=words) as caught:
        compile_ltlf(formula)
    assert computed() - start < 20
    assert "\n" not in str(caught.value)


def test_memory_is_limited_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(automata, "MEMORY", 2**27)
    monkeypatch.setattr(automata, "SECONDS", 3600.0)  # without a limit the test would not end
    with pytest.raises(InputError, match="ran out of its limits"):
        compile_buchi(parse("G(a -> F(b & X[9!] c)) <-> F(c & X[9!](a U b))"))


def test_twelve_propositions_compile() -> None:
    names = [Prop(f"n{i}") for i in range(12)]
    parity: Formula = names[0]
    for name in names[1:]:
        parity = Xor(parity, name)
    automaton = compile_ltlf(StrongNext(parity))
    assert automaton.table.shape == (4, 4096)
    letters = np.array([bin(i).count("1") % 2 for i in range(4096)], bool)
    state = automaton.table[automaton.initial, 0]
    assert (automaton.accepting[automaton.table[state]] == letters).all()


def test_hard_formulas_are_tried_by_way_of_their_negation() -> None:
    rng = Random(2)
    text = "F(a & X[!](b U (c & X[!] a))) & G(b -> F c)"
    automaton = compile_ltlf(parse(text))
    for _ in range(200):
        trace = random_trace(rng, NAMES, rng.randint(0, 6))
        assert automaton.accepting[run(automaton, trace)] == holds(parse(text), trace)
    buchi = compile_buchi(Not(parse(text)))
    assert buchi.letters.shape[1] == 8


def test_spot_starts_only_when_needed() -> None:
    code = (
        "import surefoot.verification as v;"
        "from surefoot.verification.translation.spot_process import SPOT;"
        "v.load_rulebook('driving'); v.parse('G a'); print(SPOT.pid)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "None"


def test_work_after_spot_is_bounded_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(determinise, "MAX_WORK", 20)
    edges = spot_backend.translate("F(p0 & X[!] X[!] X[!] X[!] p1)", 2, finite=True)
    with pytest.raises(spot_backend.TooLargeError, match="deterministic takes too long"):
        determinise.determinised(edges, empty=False)
    chain_of_states = np.minimum(np.arange(1, 102), 100)[:, None].astype(np.int32)
    with pytest.raises(spot_backend.TooLargeError, match="minimal takes too long"):
        determinise.minimised(chain_of_states, np.arange(101) == 100)
    monkeypatch.setattr(determinise, "MAX_STATES", 5)
    monkeypatch.setattr(determinise, "MAX_WORK", 10**6)
    with pytest.raises(spot_backend.TooLargeError, match="more than 5 states"):
        determinise.determinised(edges, empty=False)
