"""Compiled rules go into a folder of the test run, not of the user."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from surefoot.verification.translation.cache import VARIABLE


@pytest.fixture(scope="session", autouse=True)
def cache_of_the_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(VARIABLE, str(tmp_path_factory.mktemp("cache")))
        yield
