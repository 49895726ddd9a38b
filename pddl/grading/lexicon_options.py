"""Lexicons as the command line names them: ``DOMAIN=FILE``, or ``FILE`` for a single domain."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from surefoot.core.errors import InputError
from surefoot.pddl.grading.answers import TaskFiles
from surefoot.pddl.language.scope import did_you_mean


def read_lexicon_options(given: Sequence[str], tasks: Iterable[TaskFiles]) -> dict[str, Path]:
    """Assigns lexicon files to domains.

    Args:
        given: ``DOMAIN=FILE``, where ``DOMAIN`` is the name of a domain's folder, or ``FILE``.
        tasks: All tasks.

    Returns:
        Files by domain.

    Raises:
        InputError: A domain is unknown or named twice, or a file alone is given for several.
    """
    domains = sorted({task.domain for task in tasks})
    found: dict[str, Path] = {}
    for text in given:
        name, sign, file = text.partition("=")
        if not sign or (name not in domains and Path(text).is_file()):
            if len(domains) > 1:
                raise InputError(
                    f"--lexicon {text}: there are several domains; write DOMAIN={text} with one of "
                    f"{', '.join(domains)}"
                )
            name, file = domains[0], text
        if name not in domains:
            hint = did_you_mean(name, domains) or f"; known: {', '.join(domains)}"
            raise InputError(f"--lexicon {text}: the tasks have no domain '{name}'{hint}")
        if name in found:
            raise InputError(f"--lexicon: '{name}' has two lexicons; give one")
        found[name] = Path(file)
    return found
