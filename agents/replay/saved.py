"""Episodes of an agent as they lie in a run folder, and their pages."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from surefoot.core.errors import InputError
from surefoot.results.run_folder import read_run

STEPS, PAGES = "steps", "replay"
"""Folders of thoughts and of pages in a run folder."""

SHOWN = 30
"""Keys that are listed where one is unknown, at most."""

MOST_BYTES = 2**28
"""Largest file of thoughts that is read."""


@dataclass(frozen=True)
class SavedEpisode:
    """One episode of an agent.

    Attributes:
        run: The run folder.
        key: Its key, such as ``tidy/easy/8``.
        config: The run's configuration.
        record: Its record.
        steps: What the agent thought, see :class:`~surefoot.agents.decisions.DecisionRecord`.
    """

    run: Path
    key: str
    config: Mapping[str, Any]
    record: Mapping[str, Any]
    steps: Mapping[str, Any]

    def picture(self, name: str) -> str:
        """Returns an image of the run as a data address, ``""`` if it no longer exists."""
        try:
            data = (self.run / name).read_bytes()
        except OSError:
            return ""
        return f"data:image/jpeg;base64,{base64.b64encode(data).decode()}"


def steps_file(run: Path, name: str) -> Path:
    """Returns where the thoughts of an episode lie, by the name of its files."""
    return run / STEPS / f"{name}.json"


def page_file(run: Path, key: str) -> Path:
    """Returns where the page of an episode lies."""
    return run / PAGES / f"{key.replace('/', '-')}.html"


def read_saved(run: Path, key: str) -> SavedEpisode:
    """Reads a finished episode; the run itself may not be.

    Args:
        run: The run folder.
        key: Key of the episode.

    Raises:
        InputError: There is no such run or episode, it was not an agent's, or a file is damaged.
    """
    saved = read_run(run)
    if key not in saved.records:
        raise InputError(_unknown(key, saved.manifest.keys, saved.records), file=str(run))
    record = saved.records[key]
    if not isinstance(record.get("extra"), dict):
        raise InputError("not a run of simulated episodes", file=str(run))
    if "agent" not in record["extra"]:
        if saved.manifest.config.get("policy") == "agent":
            why = f"'{key}' broke down and left no thoughts ({record['outcome']})"
        else:
            why = f"no agent acted in this run, but '{saved.manifest.config.get('policy')}'"
        raise InputError(f"{why}; there is nothing to replay", file=str(run))
    return read_record(run, key, saved.manifest.config, record)


def read_record(
    run: Path, key: str, config: Mapping[str, Any], record: Mapping[str, Any]
) -> SavedEpisode:
    """Reads what an agent thought in an episode whose record is known.

    Args:
        run: The run folder.
        key: Key of the episode.
        config: The run's configuration.
        record: The episode's record.

    Raises:
        InputError: The file of thoughts is missing or damaged.
    """
    path = steps_file(run, key.replace("/", "-"))
    try:
        if path.stat().st_size > MOST_BYTES:
            raise InputError("larger than any file of thoughts", file=str(path))
        steps = json.loads(path.read_text(encoding="utf-8"))
        decisions = steps["moments"]
    except OSError as error:
        why = (error.strerror or "unreadable").lower()
        raise InputError(f"cannot read the agent's thoughts: {why}", file=str(path)) from None
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InputError("not an agent's thoughts", file=str(path)) from None
    if not isinstance(decisions, list):
        raise InputError("not an agent's thoughts", file=str(path))
    return SavedEpisode(run, key, config, record, steps)


def _unknown(key: str, planned: Sequence[str], done: Mapping[str, Any]) -> str:
    if key in planned:
        return f"the episode '{key}' is not finished; run the same 'surefoot run' again"
    names = ", ".join(list(done)[:SHOWN]) or "none is finished yet"
    more = f" and {len(done) - SHOWN} more" if len(done) > SHOWN else ""
    return f"no episode '{key}'; there are {names}{more}"
