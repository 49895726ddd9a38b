"""The page's frame: self-contained, escaped, lazy."""

from __future__ import annotations

import base64
import hashlib
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from jinja2 import UndefinedError

from surefoot.results.page import render_page, trusted

pytestmark = pytest.mark.quick


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    name = f"pages_{uuid4().hex}"  # what is kept of a package is kept by its name
    folder = tmp_path / name
    (folder / "templates").mkdir(parents=True)
    (folder / "__init__.py").touch()
    (folder / "templates" / "own.html.j2").write_text(
        '{% extends "page.html.j2" %}{% block content %}{{ title }}{{ body }}{% endblock %}'
    )
    monkeypatch.syspath_prepend(tmp_path)
    yield name
    sys.modules.pop(name, None)


def test_text_is_escaped_and_trusted_html_is_not(package: str) -> None:
    evil = "</title><script>alert(1)</script>"
    html = render_page("own.html.j2", package=package, title=evil, body="<i>")
    assert "<script>alert" not in html
    assert html.count("&lt;/title&gt;&lt;script&gt;") == 2
    assert "&lt;i&gt;" in html
    assert "<i>" in render_page("own.html.j2", package=package, title="", body=trusted("<i>"))


def test_frame_is_self_contained() -> None:
    html = render_page("page.html.j2", title="t")
    assert html.startswith("<!doctype html>\n<html lang=")
    assert '<meta charset="utf-8">' in html
    assert 'name="viewport"' in html
    assert not re.search(r"\b(src|href)\s*=|@import|url\(|https?:", html)
    for rule in ("prefers-color-scheme:dark", "@media print", "@media (max-width"):
        assert rule in html


def test_only_the_frames_own_script_may_run() -> None:
    html = render_page("page.html.j2", title="t")
    (script,) = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in html


def test_a_missing_value_is_an_error(package: str) -> None:
    with pytest.raises(UndefinedError, match="body"):
        render_page("own.html.j2", package=package, title="t")


def test_jinja_is_loaded_only_when_a_page_is_made() -> None:
    code = (
        "import sys, surefoot.results.page, surefoot.results.charts, surefoot.results.run_folder\n"
        "assert not {'jinja2', 'markupsafe', 'scipy', 'surefoot.pddl'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
