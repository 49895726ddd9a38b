"""Spot's process: warm, replaced when it dies, never shared, and never this process."""

from __future__ import annotations

import ast
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import suppress
from multiprocessing import get_context
from pathlib import Path
from threading import Event, Thread, Timer

import pytest

import surefoot
from surefoot.core.errors import HarnessError, MissingDependencyError
from surefoot.verification.translation import spot_process
from surefoot.verification.translation.spot_backend import TooLargeError, spot_version, translate
from surefoot.verification.translation.spot_process import SPOT, SpotProcess
from tests.waiting import HANGING_S, alive, until

HARD = "G(p0 -> F(p1 & X[9!] p2)) <-> F(p2 & X[9!](p0 U p1))"
ORDER = {
    "text": "G(p0 -> F p1)",
    "propositions": 2,
    "finite": True,
    "deterministic": True,
    "seconds": 10,
    "memory": 2**31,
}


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    SPOT.close()
    yield
    SPOT.close()


def states(text: str = "G(p0 -> F p1)") -> int:
    return len(translate(text, 3, finite=True, deterministic=True).accepting)


def ticks(pid: int) -> int:
    """Processor time that a process has had, in the system's ticks; 0 if there is none."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return 0
    return sum(map(int, status.rpartition(")")[2].split()[11:13]))


def until_it_works(pid: int, before: int) -> None:
    until(lambda: ticks(pid) > before + 10)


def test_one_warm_process_serves_all_formulas() -> None:
    assert SPOT.pid is None
    states()
    first = SPOT.pid
    assert spot_version()[0].isdigit()
    for text in ("G p0", "F(p0 & X[!](p1 U (p2 & X[!] p0))) & G(p1 -> F p2)", "p0 U p1", "0", "1"):
        states(text)
        assert SPOT.pid == first != os.getpid()


def test_states_are_numbered_the_same_whatever_came_before() -> None:
    texts = ["G(p0 & !p1 -> !p2 W (p1 | p3))", "F p0 -> (p1 -> (!p0 U p2)) U p0", "G(p0 -> F p1)"]

    def made(text: str) -> list[object]:
        edges = translate(text, 4, finite=False)
        assert edges.initial == 0
        return [edges.sources.tolist(), edges.targets.tolist(), edges.letters.tolist()]

    onwards = [made(text) for text in texts]
    assert [made(text) for text in reversed(texts)] == onwards[::-1]
    SPOT.close()
    assert made(texts[0]) == onwards[0]


def test_a_killed_process_is_replaced_and_asked_again() -> None:
    expected, pid = states(), SPOT.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    assert states() == expected
    assert SPOT.pid not in (None, pid)
    assert not Path(f"/proc/{pid}").exists()  # waited for: no zombie
    again = SPOT.pid
    killer = Timer(0.3, os.kill, (again, signal.SIGKILL))
    killer.start()
    with pytest.raises(TooLargeError, match=r"stopped after 1 s"):  # by the second process
        translate(HARD, 3, finite=True, seconds=1)
    killer.join()
    assert states() == expected


@pytest.mark.parametrize(
    ("number", "error", "words"),
    [
        (signal.SIGKILL, HarnessError, r"failed twice on 'G\(p0.*SIGKILL"),
        (signal.SIGSEGV, TooLargeError, "ran out of its limits"),
    ],
)
def test_a_process_that_dies_twice_is_reported(
    number: signal.Signals, error: type[Exception], words: str
) -> None:
    states()
    done, killed = Event(), set()

    def kill_all() -> None:
        while not done.wait(0.2):
            pid = SPOT.pid
            if pid is not None and pid not in killed:
                time.sleep(0.3)
                killed.add(pid)
                os.kill(pid, number)

    killer = Thread(target=kill_all)
    killer.start()
    try:
        with pytest.raises(error, match=words):
            translate(HARD, 3, finite=True, seconds=60)
    finally:
        done.set()
        killer.join()
    assert len(killed) == 2
    assert states() == 3


def test_what_takes_too_long_is_stopped_and_the_next_formula_is_not() -> None:
    states()
    pid = SPOT.pid
    with pytest.raises(TooLargeError, match=r"stopped after 0\.5 s"):
        translate(HARD, 3, finite=True, deterministic=True, seconds=0.5)
    assert pid is not None
    assert not Path(f"/proc/{pid}").exists()
    assert states() == 3


def test_a_process_that_ran_out_of_memory_ends() -> None:
    with pytest.raises(TooLargeError, match="ran out of its limits"):
        translate(HARD, 3, finite=True, deterministic=True, seconds=60, memory=2**26)
    assert states() == 3


def test_what_spot_refuses_is_reported_and_costs_no_process() -> None:
    states()
    pid = SPOT.pid
    with pytest.raises(HarnessError, match="Spot failed on 'G\\('"):
        translate("G(", 1, finite=True)
    assert SPOT.pid == pid


def test_a_fork_has_a_process_of_its_own() -> None:
    states()
    pid = SPOT.pid
    busy = Thread(target=_work_for_long)
    before = ticks(pid)
    busy.start()  # holds the lock while the children are made
    until_it_works(pid, before)
    with ProcessPoolExecutor(3, get_context("fork")) as pool:
        answers = [pool.submit(_states_and_process) for _ in range(9)]
        children = [answer.result(HANGING_S) for answer in answers]
    assert busy.is_alive()
    while busy.is_alive():
        if (now := SPOT.pid) is not None:
            with suppress(ProcessLookupError):
                os.kill(now, signal.SIGSEGV)
        busy.join(0.1)
    assert {count for count, _ in children} == {3}
    assert pid not in {other for _, other in children}
    until(lambda: not any(alive(other) for _, other in children))
    assert states() == 3


def _work_for_long() -> None:
    with pytest.raises(TooLargeError):
        translate(HARD, 3, finite=True, seconds=3600)  # ended by who has seen enough


def _states_and_process() -> tuple[int, int]:
    count = states()
    assert SPOT.pid is not None
    return count, SPOT.pid


def test_a_fork_does_not_keep_the_process_alive() -> None:
    code = (
        "import os, signal\n"
        "from surefoot.verification.translation.spot_process import SPOT\n"
        "SPOT.version()\n"
        "print(SPOT.pid, flush=True)\n"
        "child = os.fork()\n"
        "if child == 0:\n    signal.pause()\n"
        "print(child, flush=True)\n"
        "signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        spot, child = int(parent.stdout.readline()), int(parent.stdout.readline())
        parent.kill()
        until(lambda: not alive(spot))
        os.kill(child, signal.SIGKILL)


def test_threads_take_turns() -> None:
    texts = [f"{'X[!] ' * i}p{i % 3}" for i in range(12)] * 4
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(states, texts))
    assert found == [states(text) for text in texts]


@pytest.mark.parametrize("busy", [False, True])
def test_it_ends_with_its_parent(busy: bool) -> None:
    code = (
        "import signal\n"
        "from surefoot.verification.translation.spot_backend import translate\n"
        "from surefoot.verification.translation.spot_process import SPOT\n"
        "SPOT.version()\n"
        "print(SPOT.pid, flush=True)\n"
        f"translate({HARD!r}, 3, finite=True, seconds=4) if {busy} else signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        if busy:
            until_it_works(pid, ticks(pid))
        assert alive(pid)
        parent.kill()
    until(lambda: not alive(pid))


def test_surefoot_never_loads_spot(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from surefoot.verification import check_traces, compile_ltlf, parse\n"
        "from surefoot.verification.translation.automata import compile_buchi\n"
        "from surefoot.verification.translation.spot_process import SPOT\n"
        "for text in ('G(a -> F b)', 'F(a & X[!](b U (c & X[!] a))) & G(b -> F c)'):\n"
        "    compile_ltlf(parse(text)), compile_buchi(parse(text))\n"
        "assert SPOT.pid is not None\n"
        "print([m for m in sys.modules if m.split('.')[0] in ('spot', 'buddy', '_buddy')\n"
        "    or m.endswith('spot_worker')])\n"
    )
    environment = {**os.environ, "SUREFOOT_CACHE": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-X", "dev", "-c", code],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    assert (done.stdout, done.stderr, done.returncode) == ("[]\n", "", 0)


def imports(path: Path) -> set[str]:
    text, found = path.read_text(), set()
    if "spot" not in text and "buddy" not in text:
        return set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def test_only_the_program_of_the_process_imports_spot() -> None:
    package = Path(surefoot.__file__).parent
    sources = [path for room in (package, *package.iterdir()) for path in room.rglob("*.py")]
    assert len(sources) > 300
    importers = {
        path.resolve()
        for path in sources
        if any(
            name.split(".")[0] in ("spot", "buddy", "_buddy") or "spot_worker" in name
            for name in imports(path)
        )
    }
    program = (package / "verification" / "translation" / "spot_worker.py").resolve()
    assert importers == {program}
    assert not any(name.startswith("surefoot") for name in imports(program))
    code = f"import runpy, sys; runpy.run_path({str(program)!r}); print('numpy' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("module", "words"),
    [
        (
            "raise ModuleNotFoundError(\"No module named 'spot'\", name='spot')",
            r"Spot is not installed; .*pip install 'surefoot\[verify\]'.*spottl.*conda-forge",
        ),
        (
            "print('noise', flush=True)\nraise ImportError('wrong ELF class')",
            r"wrong ELF class\).*conda-forge",
        ),
        ("raise OSError('no such\\nlibrary')", r"cannot be loaded \(no such library\)"),
        ("", r"spot\.py\) is not the library.*pip uninstall spot"),
    ],
)
def test_a_missing_or_wrong_spot_is_named(
    module: str, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spot.py").write_text(module)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    alone = SpotProcess()
    for ask in (
        alone.version,
        lambda: alone.ask(ORDER),
        lambda: translate("p0", 1, finite=True),
    ):
        with pytest.raises(MissingDependencyError, match=words) as caught:
            ask()
        assert "\n" not in str(caught.value)
    assert alone.pid is None


def test_a_process_that_does_not_start_is_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "spot.py").write_text("import os; os._exit(7)")
    with monkeypatch.context() as patch:
        patch.setenv("PYTHONPATH", str(tmp_path))
        with pytest.raises(HarnessError, match=r"failed twice on 'p0': its process .* exit code 7"):
            translate("p0", 1, finite=True)
        (tmp_path / "spot.py").write_text("import time; time.sleep(60)")
        patch.setattr(spot_process, "START_SECONDS", 0.5)
        with pytest.raises(HarnessError, match=r"does not start within 0\.5 s"):
            translate("p0", 1, finite=True)
        patch.setattr(sys, "executable", str(tmp_path / "none"))
        with pytest.raises(HarnessError, match="cannot be started"):
            translate("p0", 1, finite=True)
    assert states() == 3


def test_ctrl_c_leaves_no_answer_behind() -> None:
    assert states() == 3
    pid = SPOT.pid
    assert pid is not None
    before = ticks(pid)

    def stop() -> None:
        until_it_works(pid, before)
        os.kill(os.getpid(), signal.SIGINT)

    interrupt = Thread(target=stop)
    interrupt.start()
    with pytest.raises(KeyboardInterrupt):
        translate(HARD, 3, finite=True, seconds=3600)
    interrupt.join()
    assert SPOT.pid is None
    assert states() == 3
