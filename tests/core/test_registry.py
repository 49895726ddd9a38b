"""The registry: names, summaries, mistakes, and what other distributions add."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from surefoot.cli.main import app
from surefoot.core.errors import InputError
from surefoot.core.registry import Registry, is_place, load_place


def registry() -> Registry[Callable[[], str]]:
    made: Registry[Callable[[], str]] = Registry("greetings", "greeting")
    made.builtin("hello", "tests.core.test_registry:hello", "the usual one")
    return made


def hello() -> str:
    """Says hello."""
    return "hello"


def test_own_things_are_imported_at_first_use() -> None:
    greetings = registry()
    assert greetings.names() == ("hello",)
    assert greetings.get("hello")() == "hello"
    assert "hello" in greetings
    assert greetings.entry("hello").summary == "the usual one"


def test_a_decorator_adds_to_it() -> None:
    greetings = registry()

    @greetings.register("ciao", uses=("italy",))
    def ciao() -> str:
        """Says ciao.

        At length.
        """
        return "ciao"

    assert greetings.names() == ("hello", "ciao")
    assert greetings.get("ciao") is ciao
    entry = greetings.entry("ciao")
    assert (entry.summary, entry.origin, entry.uses) == ("Says ciao.", "program", ("italy",))
    with pytest.raises(InputError, match="two greetings are called 'ciao'"):
        greetings.register("ciao")(hello)


def test_an_unknown_name_is_told_with_the_nearest() -> None:
    for ask in (registry().get, registry().entry):
        with pytest.raises(InputError, match="unknown greeting 'helo'; did you mean 'hello'"):
            ask("helo")


def test_places() -> None:
    assert load_place("tests.core.test_registry:hello", "greeting") is hello
    for spec in ("no.such.module:x", "tests.core.test_registry:absent"):
        with pytest.raises(InputError, match=f"cannot use the greeting '{spec}'"):
            load_place(spec, "greeting")
    assert [is_place(s) for s in ("a.b:c", "a:b", "a", "a:b:c", "fd:astar(x)", "a/b:c")] == [
        True,
        True,
        False,
        False,
        False,
        False,
    ]


PACKAGE = '''
"""Things that a third party adds."""

from pathlib import Path

from surefoot.core.chat import ReplyStatus
from surefoot.envs.perturbations.base import ImagePerturbation
from surefoot.pddl import Plan, get_domain
from surefoot.pddl.extract import AnswerShape, Extraction
from surefoot.pddl.planner import PlanReply
from surefoot.verification import Rule, RuleBook, parse


class Quitter:
    """Plans nothing, at once."""

    name = "quitter"
    reads_text = False

    def solve(self, requests):
        for i, _ in enumerate(requests):
            yield i, PlanReply(ReplyStatus.GAVE_UP, message="not today")


def make_quitter(argument, options):
    """A planner that gives up."""
    return Quitter()


class Inverted(ImagePerturbation):
    """Colours are inverted."""

    def change(self, image, draws):
        return image._replace(rgb=255 - image.rgb)


class Towers(type(get_domain("blocksworld"))):
    """Blocks under another name."""

    name = "towers"
    summary = "towers of cups"

    def _data(self, name):
        return get_domain("blocksworld")._data(name)


def read_nothing(answer, ground, vocabulary):
    """Finds no plan in any answer."""
    return Extraction(AnswerShape.UNPARSED, None, (), False, False)


HOUSE = RuleBook("house", (Rule("calm", parse("G !run")),), {"run": "it runs"}, (), ("run",))
broken = 1 / 0
'''

POINTS = """
[surefoot.planners]
quitter = third_party:make_quitter
[surefoot.perturbations]
inverted = third_party:Inverted
[surefoot.domains]
towers = third_party:Towers
[surefoot.answer_readers]
nothing = third_party:read_nothing
[surefoot.rulebooks]
house = third_party:HOUSE
[surefoot.strategies]
absent = no_such_module:make
"""


@pytest.fixture
def installed(tmp_path: Path) -> Path:
    """A folder into which a small distribution with entry points is installed."""
    place = tmp_path / "site"
    info = place / "third_party-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: third-party\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    (place / "third_party.py").write_text(PACKAGE.replace("broken = 1 / 0\n", ""))
    return place


def surefoot(place: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    # Installed distributions are found on sys.path, so a further entry installs one.
    code = f"import sys; sys.path.append({str(place)!r}); sys.argv[0] = 'surefoot'\n"
    code += "from surefoot.cli.entry import run; run()"
    return subprocess.run(
        [sys.executable, "-c", code, *arguments], capture_output=True, text=True, cwd=place.parent
    )


def test_an_installed_distribution_adds_by_entry_points(installed: Path) -> None:
    def listed(kind: str) -> str:
        done = surefoot(installed, "list", kind)
        assert done.returncode == 0, done.stderr
        return done.stdout

    assert "A planner that gives up. (of third-party)" in listed("planners")
    assert "Colours are inverted." in listed("perturbations")
    assert "towers of cups" in listed("domains")
    assert "Finds no plan in any answer. (of third-party)" in listed("readers")
    assert "house" in listed("rulebooks")
    assert "cannot be imported" in listed("strategies")
    done = surefoot(
        installed,
        *("bench", "--planners", "quitter,greedy", "--domains", "towers", "--seeds", "0:2"),
        *("--difficulty", "0", "--out", "run"),
    )
    assert done.returncode == 0, done.stderr
    assert "quitter" in done.stdout
    (installed.parent / "plan.json").write_text('["run"]')
    done = surefoot(installed, "verify", "plan.json", "--rules", "house")
    assert done.returncode == 1, done.stderr
    assert "calm" in done.stdout


def test_a_distribution_that_breaks_is_told_by_name(installed: Path) -> None:
    (installed / "third_party.py").write_text(PACKAGE)
    done = surefoot(installed, "bench", "--planners", "quitter", "--domains", "blocksworld")
    assert done.returncode == 2
    assert done.stderr == (
        "error: the planner 'quitter' of third-party cannot be imported "
        "(third_party:make_quitter): ZeroDivisionError: division by zero\n"
    )


def test_planners_of_the_agent_alone_are_refused_by_the_bench(tmp_path: Path) -> None:
    for spec in ("guide", "damaged=0.5:greedy", "local-agent"):
        done = CliRunner().invoke(
            app,
            ["bench", "--planners", spec, "--domains", "grippers", "--out", str(tmp_path / "run")],
        )
        assert isinstance(done.exception, InputError)
        assert f"'{spec}' is for the agent only" in str(done.exception)
    assert not (tmp_path / "run").exists()
