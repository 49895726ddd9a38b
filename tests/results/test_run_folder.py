"""Run folders: resume after a kill, locks, refusals, and nothing half-written."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from surefoot.core import files
from surefoot.core.errors import InputError, WriteError
from surefoot.results import run_folder
from surefoot.results.manifest import Manifest, read_manifest
from surefoot.results.run_folder import RunFolder, check_out, read_run

pytestmark = pytest.mark.quick

KEYS = tuple(f"task{i}|model" for i in range(6))


def plan(**changes: Any) -> Manifest:
    base = Manifest("grade", {"models": ["a"], "limit": 3}, KEYS, (1, 2), {"tasks": "ff"})
    return replace(base, **changes)


def lines(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "episodes.jsonl").read_text()
    return [json.loads(line) for line in text.splitlines()]


def test_writes_and_resumes(tmp_path: Path) -> None:
    out = tmp_path / "runs" / "one"
    with RunFolder.open(out, plan()) as run:
        assert run.pending == list(KEYS)
        run.append(KEYS[2], {"kind": "valid", "text": 'line\n"x" \u2028 é'})
        run.append(KEYS[0], {"kind": "type"})
    assert [line["key"] for line in lines(out)] == [KEYS[2], KEYS[0]]
    manifest = json.loads((out / "manifest.json").read_text())
    assert manifest["config"] == {"models": ["a"], "limit": 3}
    assert manifest["seeds"] == [1, 2]
    assert manifest["versions"]["python"] == ".".join(map(str, sys.version_info[:3]))
    with RunFolder.open(out, plan(created="later")) as run:
        assert run.pending == [KEYS[i] for i in (1, 3, 4, 5)]
        assert list(run.records) == [KEYS[0], KEYS[2]]
        assert run.records[KEYS[2]] == {"kind": "valid", "text": 'line\n"x" \u2028 é'}
        assert run.manifest.created != "later"
        run.append(KEYS[1], {"kind": "valid"})
        assert run.write_summary({"n": 3}).read_text() == '{\n  "n": 3\n}\n'
        assert run.write_report("<html>é\ud800").read_bytes() == "<html>é?".encode()
    assert list(read_run(out).records) == list(KEYS[:3])
    assert sorted(p.name for p in out.iterdir()) == [
        ".lock",
        "episodes.jsonl",
        "manifest.json",
        "report.html",
        "summary.json",
    ]


def test_lone_surrogates_survive(tmp_path: Path) -> None:
    with RunFolder.open(tmp_path / "r", plan()) as run:
        run.append(KEYS[0], {"text": "a\ud800b"})
    assert read_run(tmp_path / "r").records[KEYS[0]] == {"text": "a\ud800b"}


@pytest.mark.parametrize(
    ("key", "record"),
    [("other", {}), (KEYS[0], {}), (KEYS[1], {"key": "x"}), (KEYS[1], {"x": float("nan")})],
)
def test_append_refuses(tmp_path: Path, key: str, record: dict[str, Any]) -> None:
    with RunFolder.open(tmp_path / "r", plan()) as run:
        run.append(KEYS[0], {})
        with pytest.raises(ValueError, match=r"key|pending|JSON"):
            run.append(key, record)
    assert len(lines(tmp_path / "r")) == 1
    with pytest.raises(ValueError, match="closed"):
        run.append(KEYS[1], {})


def test_failed_write_leaves_the_file_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with RunFolder.open(tmp_path / "r", plan()) as run:
        run.append(KEYS[0], {"a": 1})
        before = (tmp_path / "r/episodes.jsonl").read_bytes()
        real = os.write

        def half(descriptor: int, data: bytes) -> int:
            real(descriptor, data[: len(data) // 2])
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(run_folder.os, "write", half)
        with pytest.raises(InputError, match=r"episodes.jsonl: cannot write: no space left"):
            run.append(KEYS[1], {"a": 2})
        monkeypatch.undo()
        assert (tmp_path / "r/episodes.jsonl").read_bytes() == before
        assert KEYS[1] in run.pending
        monkeypatch.setattr(run_folder.os, "write", lambda fd, data: real(fd, data[:5]))
        run.append(KEYS[1], {"a": 3})  # the system may take only a part at a time
        monkeypatch.undo()
    assert read_run(tmp_path / "r").records[KEYS[1]] == {"a": 3}


CHILD = """
import os, signal, sys
from pathlib import Path
from surefoot.results import run_folder
from surefoot.results.manifest import Manifest, read_manifest
from surefoot.results.run_folder import RunFolder
out, torn_at = Path(sys.argv[1]), int(sys.argv[2])
run = RunFolder.open(out, read_manifest(out))
real = os.write
for number, key in enumerate(run.pending):
    if number == torn_at:
        def torn(descriptor, data):
            real(descriptor, data[:len(data) * 2 // 3])
            os.kill(os.getpid(), signal.SIGKILL)
        run_folder.os.write = torn
    run.append(key, {"n": number, "text": "x" * 5000})
    print(number, flush=True)
"""


def test_killed_in_the_middle_of_a_write(tmp_path: Path) -> None:
    out = tmp_path / "r"
    RunFolder.open(out, plan()).close()
    child = subprocess.run([sys.executable, "-c", CHILD, str(out), "3"], capture_output=True)
    assert child.returncode == -signal.SIGKILL
    torn = (out / "episodes.jsonl").read_bytes()
    assert not torn.endswith(b"\n")
    assert list(read_run(out).records) == list(KEYS[:3])
    with RunFolder.open(out, plan()) as run:  # the lock died with the child
        assert run.pending == list(KEYS[3:])
        assert torn.startswith((out / "episodes.jsonl").read_bytes())
        for key in run.pending:
            run.append(key, {"n": key})
    assert [line["key"] for line in lines(out)] == list(KEYS)


def test_killed_from_outside_loses_nothing_that_was_reported(tmp_path: Path) -> None:
    out = tmp_path / "r"
    many = plan(keys=tuple(map(str, range(50_000))))
    RunFolder.open(out, many).close()
    child = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(out), "-1"], stdout=subprocess.PIPE, text=True
    )
    assert child.stdout is not None
    said = [child.stdout.readline() for _ in range(40)]
    child.kill()
    said += child.stdout.read().splitlines()
    child.wait()
    child.stdout.close()
    with RunFolder.open(out, many) as run:
        done = len(run.records)
        assert len([s for s in said if s.strip()]) <= done < 50_000
        assert run.pending[0] == str(done)
        run.append(run.pending[0], {})
    assert len(lines(out)) == done + 1


@pytest.mark.parametrize("tail", [b'{"key": "task1|mo', b"\0\0\0\0", b'{"key": 3', b"\xff\xfe\n"])
def test_torn_last_line_is_redone(tmp_path: Path, tail: bytes) -> None:
    out = tmp_path / "r"
    with RunFolder.open(out, plan()) as run:
        run.append(KEYS[0], {"a": 1})
    sound = (out / "episodes.jsonl").read_bytes()
    (out / "episodes.jsonl").write_bytes(sound + tail)
    with RunFolder.open(out, plan()) as run:
        assert run.pending == list(KEYS[1:])
        assert (out / "episodes.jsonl").read_bytes() == sound


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (b'{"key": "task1|mo', "damaged line"),
        (b"[1]", "damaged line"),
        (b'{"key": "nobody"}', "'nobody' is not in the manifest"),
        (b'{"key": ["x"]}', "not in the manifest"),
        (b'{"key": "task0|model"}', "recorded twice"),
    ],
)
def test_damage_in_the_middle_names_the_line(tmp_path: Path, second: bytes, message: str) -> None:
    out = tmp_path / "r"
    RunFolder.open(out, plan()).close()
    first, last = b'{"key": "task0|model"}', b'{"key": "task2|model"}'
    (out / "episodes.jsonl").write_bytes(b"\n".join([first, second, last, b""]))
    for action in (lambda: RunFolder.open(out, plan()), lambda: read_run(out)):
        with pytest.raises(InputError, match=message) as caught:
            action()
        assert str(caught.value).startswith(f"{out / 'episodes.jsonl'}:2: ")
    assert (out / "episodes.jsonl").read_bytes().count(b"\n") == 3


def test_one_writer_at_a_time(tmp_path: Path) -> None:
    out = tmp_path / "r"
    with RunFolder.open(out, plan()) as run:
        with pytest.raises(InputError, match="another process is writing"):
            RunFolder.open(out, plan())
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(out), "0"], capture_output=True, text=True
        )
        assert "another process is writing to this run" in child.stderr
        run.append(KEYS[0], {})  # still open
        assert len(read_run(out).records) == 1
    RunFolder.open(out, plan()).close()


def test_a_forked_worker_does_not_keep_the_lock(tmp_path: Path) -> None:
    out = tmp_path / "r"
    run = RunFolder.open(out, plan())
    worker = os.fork()
    if worker == 0:
        signal.pause()
        os._exit(0)
    try:
        run.close()
        code = CHILD.replace("os.kill(", "sys.exit(")
        child = subprocess.run([sys.executable, "-c", code, str(out), "-1"], capture_output=True)
        assert child.returncode == 0, child.stderr
    finally:
        os.kill(worker, signal.SIGKILL)
        os.waitpid(worker, 0)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"config": {"models": ["b"], "limit": 3}}, 'config.models is ["a"] there and ["b"]'),
        ({"config": {"models": ["a"]}}, "config.limit is 3 there and null here"),
        ({"config": {"models": ["a"], "limit": 3.5}}, "config.limit is 3 there and 3.5 here"),
        ({"config": {"models": ["a"], "limit": 3.0}}, "config.limit is 3 there and 3.0 here"),
        ({"seeds": (1, 3)}, "seeds is [1, 2] there"),
        ({"hashes": {"tasks": "00"}}, 'hashes.tasks is "ff" there'),
        ({"command": "bench"}, "command is"),
        ({"keys": KEYS[:-1]}, "the planned episodes differ"),
        ({"versions": {"surefoot": "9"}}, "this is 9"),
    ],
)
def test_another_plan_is_refused(tmp_path: Path, change: dict[str, Any], named: str) -> None:
    out = tmp_path / "r"
    with RunFolder.open(out, plan()) as run:
        run.append(KEYS[0], {})
    before = {p.name: p.read_bytes() for p in out.iterdir()}
    with pytest.raises(InputError, match="choose another --out") as caught:
        RunFolder.open(out, plan(**change))
    assert named in str(caught.value)
    assert "\n" not in str(caught.value)
    assert {p.name: p.read_bytes() for p in out.iterdir()} == before
    RunFolder.open(out, plan(versions={**plan().versions, "python": "3.99"})).close()


def test_foreign_folders_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    with pytest.raises(InputError, match="not empty and holds no run; choose another --out"):
        RunFolder.open(tmp_path, plan())
    assert [p.name for p in tmp_path.iterdir()] == ["thesis.tex"]
    with pytest.raises(InputError, match="is a file"):
        check_out(tmp_path / "thesis.tex")
    with pytest.raises(InputError, match="cannot write"):
        RunFolder.open(tmp_path / "thesis.tex" / "r", plan())
    check_out(tmp_path / "new" / "run")
    (tmp_path / "empty").mkdir()
    RunFolder.open(tmp_path / "empty", plan()).close()
    check_out(tmp_path / "empty")


@pytest.mark.parametrize("content", ["{", "[]", '{"format": 1}', '{"format": 99}'])
def test_damaged_manifest(tmp_path: Path, content: str) -> None:
    (tmp_path / "manifest.json").write_text(content)
    for action in (read_manifest, read_run, lambda folder: RunFolder.open(folder, plan())):
        with pytest.raises(InputError, match=r"manifest\.json"):
            action(tmp_path)
    assert (tmp_path / "manifest.json").read_text() == content


def test_failed_creation_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    (tmp_path / "empty").mkdir()
    for name in ("runs/deep/r", "empty"):
        monkeypatch.setattr(files.os, "fsync", full)
        with pytest.raises(InputError, match="no space left on device"):
            RunFolder.open(tmp_path / name, plan())
        monkeypatch.undo()
    with pytest.raises(ValueError, match="JSON"):
        RunFolder.open(tmp_path / "nan", plan(config={"x": float("nan")}))
    assert [p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*")] == ["empty"]


def test_bad_input_before_anything_was_done_leaves_nothing(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()

    def ends(name: str, error: BaseException, done: bool, file: str) -> None:
        with RunFolder.open(tmp_path / name, plan()) as run:
            if done:
                run.append(KEYS[0], {})
            if file:
                (tmp_path / name / file).touch()
            raise error

    def refused(
        name: str, error: BaseException, *, done: bool = False, file: str = ""
    ) -> list[str]:
        with pytest.raises(type(error)):
            ends(name, error, done, file)
        return sorted(p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*"))

    for name in ("runs/deep/r", "empty"):
        assert refused(name, InputError("no")) == ["empty"]
    # What may go on is kept, and so is whatever else lies there.
    assert "a/manifest.json" in refused("a", WriteError("full"))
    assert "b/manifest.json" in refused("b", KeyboardInterrupt())
    assert "c/manifest.json" in refused("c", InputError("no"), done=True)
    assert "d/manifest.json" in refused("d", InputError("no"), file="work")
    assert "a/manifest.json" in refused("a", InputError("no"))


def test_creation_that_fails_late_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(run_folder.os, "ftruncate", full)  # the manifest is written by then
    with pytest.raises(InputError, match="no space left on device"):
        RunFolder.open(tmp_path / "r", plan())
    monkeypatch.undo()
    assert list(tmp_path.iterdir()) == []
    RunFolder.open(tmp_path / "r", plan()).close()


def test_damage_before_a_torn_line_is_no_torn_line(tmp_path: Path) -> None:
    RunFolder.open(tmp_path, plan()).close()
    (tmp_path / "episodes.jsonl").write_bytes(b'{"key": "ta\n{"key": "task1|mo')
    with pytest.raises(InputError, match=r"episodes\.jsonl:1: damaged line"):
        read_run(tmp_path)


def test_leftovers_of_a_kill_during_creation_do_no_harm(tmp_path: Path) -> None:
    (tmp_path / ".lock").touch()
    (tmp_path / ".manifest.json.12ab.tmp").write_text("{")
    RunFolder.open(tmp_path, plan()).close()
    assert not list(tmp_path.glob(".*.tmp"))


def test_atomic_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.html"
    files.write_atomic(path, "old")

    def broken(*_: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(files.os, "replace", broken)
    with pytest.raises(InputError, match=r"a\.html: cannot write: input/output error"):
        files.write_atomic(path, "new")
    monkeypatch.undo()
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with pytest.raises(InputError, match="cannot write"):
        files.write_atomic(tmp_path / "no" / "a.html", "x")


def test_keys_are_planned_once() -> None:
    with pytest.raises(InputError, match="'b' is planned twice"):
        plan(keys=("a", "b", "b"))
