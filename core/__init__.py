"""What every room shares: errors, configuration, files, progress, the registry, chat types."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.core.chat import Completion, Message, OptionScores, Request, Usage
    from surefoot.core.config import check_config, read_config_file
    from surefoot.core.errors import HarnessError, InputError, MissingDependencyError, SurefootError
    from surefoot.core.files import write_atomic
    from surefoot.core.progress import Progress
    from surefoot.core.registry import Registry
    from surefoot.core.seeds import read_seeds

__all__ = [
    "Completion",
    "HarnessError",
    "InputError",
    "Message",
    "MissingDependencyError",
    "OptionScores",
    "Progress",
    "Registry",
    "Request",
    "SurefootError",
    "Usage",
    "check_config",
    "read_config_file",
    "read_seeds",
    "write_atomic",
]

_PLACES = {
    "Completion": "chat",
    "HarnessError": "errors",
    "InputError": "errors",
    "Message": "chat",
    "MissingDependencyError": "errors",
    "OptionScores": "chat",
    "Progress": "progress",
    "Registry": "registry",
    "Request": "chat",
    "SurefootError": "errors",
    "Usage": "chat",
    "check_config": "config",
    "read_config_file": "config",
    "read_seeds": "seeds",
    "write_atomic": "files",
}
"""The module of each public name; loaded when the name is first used."""

__getattr__ = lazily(__name__, _PLACES)
