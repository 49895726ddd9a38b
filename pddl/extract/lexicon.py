"""What a domain's actions and objects are called in everyday text.

A lexicon is optional: every action answers to its own name (``put-on-wheel``, ``put on
wheel``) and every object to its own name and to its type's name with its index. A YAML
file beside the domain, ``lexicon.yaml``, adds more.
"""

from __future__ import annotations

from pathlib import Path

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from surefoot.core.errors import InputError
from surefoot.core.wording import place, problem
from surefoot.pddl.language.model import Domain
from surefoot.pddl.language.scope import did_you_mean


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ActionPhrase(_Model):
    """A way to say an action."""

    text: str
    """The words, verb first and in base form, e.g. ``pick up``."""
    needs: tuple[str, ...] = ()
    """Parameters (without ``?``) that the text must name for this reading to count."""
    implies: dict[str, str] = Field(default_factory=dict)
    """Arguments that the phrase itself fixes, e.g. ``g: left gripper`` for ``left-pick``."""


class ActionWords(_Model):
    """How one action is expressed."""

    phrases: tuple[ActionPhrase, ...] = ()
    """Phrases beside the action's own name; a plain string is a phrase without needs."""
    roles: dict[str, str] = Field(default_factory=dict)
    """Which parameter (without ``?``) a preposition introduces, e.g. ``to: destination``."""

    @field_validator("phrases", mode="before")
    @classmethod
    def _plain_strings(cls, value: object) -> object:
        if not isinstance(value, list | tuple):
            return value
        return tuple({"text": item} if isinstance(item, str) else item for item in value)


class ObjectGroup(_Model):
    """Objects that share their nouns."""

    objects: str
    """Name pattern; ``{n}`` stands for the index (digits, dashes or a letter)."""
    nouns: tuple[str, ...]
    """Words for a member, singular; with an index they name one object (``shot glass 2``)."""


class Lexicon(_Model):
    """Words of one domain."""

    actions: dict[str, ActionWords] = Field(default_factory=dict)
    """Words for actions, by PDDL action name."""
    groups: tuple[ObjectGroup, ...] = ()
    """Words for objects."""
    agent: str | None = None
    """Type of the acting object, if a heading such as 'Robot 1:' may name it once for all."""
    scenery: tuple[str, ...] = ()
    """Nouns that are no objects of the domain (``table``) but may stand where one should."""
    ignore: tuple[str, ...] = ()
    """Phrases that are no action of the domain and no step, e.g. ``wait``."""


class _Loader(yaml.SafeLoader):
    """YAML in which ``on`` and ``off`` are words: both are common prepositions here."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:bool"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def load_lexicon(path: str | Path, domain: Domain) -> Lexicon:
    """Reads a lexicon file and checks its names against the domain.

    Raises:
        InputError: The file is missing, is not YAML of this form, or names an action or
            a parameter that the domain lacks.
    """
    path = Path(path)
    try:
        data = yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader)
        lexicon = Lexicon.model_validate(data or {})
    except OSError as error:
        raise InputError(f"cannot read the lexicon: {error.strerror}", file=str(path)) from None
    except UnicodeDecodeError:
        raise InputError("not a text file (expected UTF-8 text)", file=str(path)) from None
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        raise InputError(
            f"not valid YAML: {error.problem}",
            file=str(path),
            line=mark.line + 1 if mark else None,
            column=mark.column + 1 if mark else None,
        ) from None
    except yaml.YAMLError:
        raise InputError("not valid YAML", file=str(path)) from None
    except ValidationError as error:
        first = error.errors()[0]
        message = f"lexicon entry '{place(first['loc'])}': {problem(first)}"
        raise InputError(message, file=str(path)) from None
    _check_names(lexicon, domain, str(path))
    return lexicon


def _check_names(lexicon: Lexicon, domain: Domain, file: str) -> None:
    for name, words in lexicon.actions.items():
        schema = domain.actions.get(name)
        if schema is None:
            hint = did_you_mean(name, domain.actions)
            raise InputError(f"the domain has no action '{name}'{hint}", file=file)
        known = {p.name[1:] for p in schema.parameters}
        used = {*words.roles.values()}
        used.update(name for p in words.phrases for name in (*p.needs, *p.implies))
        for parameter in sorted(used - known):
            raise InputError(f"action '{name}' has no parameter '{parameter}'", file=file)
    if lexicon.agent is not None and lexicon.agent not in domain.supertypes:
        raise InputError(f"the domain has no type '{lexicon.agent}'", file=file)
