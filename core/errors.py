"""The error tree of the whole project.

Every error that a user can cause is an :class:`InputError`: one clear line that
names the place and says what to do. The command line turns it into exit code 2.
"""

from __future__ import annotations


class SurefootError(Exception):
    """Base of all errors that Surefoot raises on purpose.

    Attributes:
        by_user: Whether the user can mend it; the command line then ends with exit code 2.
    """

    by_user = True


class InputError(SurefootError):
    """Something that the user supplied cannot be used.

    Args:
        message: What is wrong and what to do, in one line.
        file: The file that the message is about, if any.
        line: 1-based line in ``file``.
        column: 1-based column in ``line``, counted in characters.
    """

    def __init__(
        self,
        message: str,
        *,
        file: str | None = None,
        line: int | None = None,
        column: int | None = None,
    ) -> None:
        self.message = " ".join(message.split())
        self.file = file
        self.line = line
        self.column = column
        super().__init__(self.message)

    def __str__(self) -> str:
        place = [str(part) for part in (self.file, self.line, self.column) if part is not None]
        return f"{':'.join(place)}: {self.message}" if place else self.message


class WriteError(InputError):
    """A file cannot be written, as on a full disk; what was being done may be done again."""


class MissingDependencyError(SurefootError):
    """An optional program or library is not installed; the message names what to install."""


class HarnessError(SurefootError):
    """Surefoot itself or a tool that it runs is broken; never a planner's failure."""

    by_user = False


class ModelRefusedError(HarnessError):
    """A server refuses a model's requests, and would refuse them again.

    The key is wrong, the quota is spent, or the request is of a form that it does not take.
    """

    by_user = True
