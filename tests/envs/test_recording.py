"""Videos that play, captions that fit, sheets, and nothing half written."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from surefoot.core.errors import InputError, MissingDependencyError
from surefoot.envs.recording.captions import Caption, captioned, font, wrap
from surefoot.envs.recording.rerun_log import RerunLog
from surefoot.envs.recording.sheet import Tile, contact_sheet, to_jpeg, to_png
from surefoot.envs.recording.video import VideoWriter, read_video


def gray(value: int, rows: int = 64, columns: int = 96) -> np.ndarray:
    return np.full((rows, columns, 3), value, np.uint8)


def test_a_video_holds_what_was_added(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with VideoWriter(path, fps=5) as video:
        for value in (30, 120, 220):
            video.add(gray(value), repeat=2)
        assert not path.exists()
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    means = [frame.mean() for frame in read_video(path)]
    assert means == pytest.approx([30, 30, 120, 120, 220, 220], abs=4)
    import av

    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "h264"
        assert float(stream.average_rate) == 5
    with pytest.raises(ValueError, match="finished"):
        video.add(gray(1))


def test_an_exception_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"old")

    def fails() -> None:
        with VideoWriter(path) as video:
            video.add(gray(10))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fails()
    assert path.read_bytes() == b"old"
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    with VideoWriter(tmp_path / "none.mp4"):
        pass
    assert [p.name for p in tmp_path.iterdir()] == ["a.mp4"]
    with VideoWriter(tmp_path / "b.mp4") as video:
        with pytest.raises(ValueError, match="even sizes"):
            video.add(gray(1, 63, 96))
        video.add(gray(1))
        with pytest.raises(ValueError, match="96 x 64"):
            video.add(gray(1, 64, 98))
    with pytest.raises(InputError, match=r"no/a.mp4: cannot write"):
        VideoWriter(tmp_path / "no" / "a.mp4")


KILLED = """
import sys, numpy as np
from pathlib import Path
from surefoot.envs.recording.video import VideoWriter
video = VideoWriter(Path(sys.argv[1]))
while True:
    video.add(np.random.default_rng(0).integers(0, 255, (64, 64, 3), np.uint8))
    print("frame", flush=True)
"""


def test_a_killed_recording_has_no_name(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    child = subprocess.Popen([sys.executable, "-c", KILLED, str(path)], stdout=subprocess.PIPE)
    assert child.stdout is not None
    for _ in range(5):
        assert child.stdout.readline() == b"frame\n"
    os.kill(child.pid, signal.SIGKILL)
    child.wait()
    child.stdout.close()
    assert not path.exists()
    assert all(p.name.startswith(".a.mp4.") and p.name.endswith(".tmp") for p in tmp_path.iterdir())


def test_captions_fit_and_show() -> None:
    long = "Put " + "every block into the bin of its own colour and " * 20 + "stop."
    facts = [f"(on block-{i} the-table)" for i in range(60)]
    caption = Caption(
        long,
        "(pick " + "x" * 300 + ")",
        facts,
        frozenset(facts[50:51]),
        ["no collision: holds", "gentle: violated"],
        "success",
        "good",
        "seed 1",
    )
    picture = captioned(gray(77, 224, 224), caption)
    assert picture.shape == (448, 832, 3)
    assert (picture[:, :448] == 77).all()
    panel = picture[:, 448:].astype(int)
    assert (panel[:, -8:] == panel[0, -1]).all()  # nothing runs over the edge
    assert (panel[:8] == panel[0, 0]).all()
    assert (panel[-8:] == panel[0, 0]).all()
    ink = np.abs(panel - panel[0, 0]).sum(axis=2) > 300
    assert ink.mean() > 0.01
    bare = captioned(gray(77, 224, 224), Caption())
    assert not (np.abs(bare[:, 448:].astype(int) - panel[0, 0]).sum(axis=2) > 100).any()


def test_wrapping() -> None:
    text = "one two three four five six seven eight nine ten"
    lines = wrap(text, 16, 90, 10)
    assert " ".join(lines) == text
    assert all(font(16).getlength(line) <= 90 for line in lines)
    assert wrap(text, 16, 90, 2)[-1].endswith("…")
    assert font(16).getlength(wrap("x" * 100, 16, 90, 1)[0]) <= 90
    assert wrap("", 16, 90, 3) == [""]


def test_contact_sheets() -> None:
    tiles = [Tile(gray(40 * i, 64, 64), f"seed {i}", "success", "good") for i in range(5)]
    sheet = contact_sheet(tiles, columns=3, size=64)
    assert sheet.shape == (8 + 2 * 112, 8 + 3 * 72, 3)
    for i in range(5):
        y, x = 8 + i // 3 * 112 + 32, 8 + i % 3 * 72 + 32
        assert (sheet[y, x] == 40 * i).all()
    with pytest.raises(ValueError, match="needs at least one"):
        contact_sheet([])
    for data in (to_png(sheet), to_jpeg(sheet)):
        import io

        assert Image.open(io.BytesIO(data)).size == (224, 232)


def test_a_rerun_log_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'surefoot\[rerun\]'"):
        RerunLog(tmp_path / "a.rrd")
    assert list(tmp_path.iterdir()) == []
