"""Name tables and typed lists: what a name may refer to while a file is read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from difflib import get_close_matches

from surefoot.pddl.language.model import ROOT_TYPE, Domain, Predicate, TypedName
from surefoot.pddl.language.sexpr import Node, SList, SourceText, Symbol, shorten

Types = tuple[str, ...]


@dataclass
class NameScope:
    """What is visible at one place of a file.

    Attributes:
        source: The text that errors point into.
        domain: Types, predicates and functions that may be used.
        names: Types of visible constants, objects and variables.
        free_names: Collects undeclared constants of a domain file; ``None`` where
            an undeclared name is an error (problem files).
    """

    source: SourceText
    domain: Domain
    names: Mapping[str, Types]
    free_names: set[str] | None = field(default=None)

    def bind(self, variables: Iterable[TypedName]) -> NameScope:
        """Returns a scope in which the given variables are visible as well."""
        names = {**self.names, **{v.name: v.types for v in variables}}
        return NameScope(self.source, self.domain, names, self.free_names)

    def term(self, node: Node) -> str:
        """Reads a variable or an object name."""
        name = self.symbol(node, "a variable or an object")
        if name in self.names:
            return name
        if name.startswith("?"):
            self.source.fail(f"variable '{shorten(name)}' is not declared here", node)
        if self.free_names is None:
            hint = did_you_mean(name, self.names)
            self.source.fail(f"object '{shorten(name)}' is not declared{hint}", node)
        self.free_names.add(name)
        return name

    def arguments(self, node: SList, table: Mapping[str, Predicate], what: str) -> tuple[str, ...]:
        """Reads ``(name term …)`` against its declaration; checks count and types."""
        name = self.symbol(node[0], f"the name of a {what}")
        declared = table.get(name)
        if declared is None:
            hint = did_you_mean(name, table)
            self.source.fail(f"{what} '{shorten(name)}' is not declared{hint}", node[0])
        if len(node) - 1 != len(declared.parameters):
            self.source.fail(
                f"'{name}' takes {len(declared.parameters)} arguments, found {len(node) - 1}", node
            )
        terms = tuple(self.term(child) for child in node[1:])
        for term, child, parameter in zip(terms, node[1:], declared.parameters, strict=True):
            types = self.names.get(term)
            if types is None or not self.comparable(types, parameter.types):
                if types is None:
                    continue  # an undeclared constant; the problem's declaration is checked later
                self.source.fail(
                    f"'{term}' has type {type_text(types)}, but '{name}' takes "
                    f"{type_text(parameter.types)} here",
                    child,
                )
        return terms

    def comparable(self, types: Types, wanted: Types) -> bool:
        """Returns whether a term of these types can ever stand where ``wanted`` is asked for.

        A variable of a supertype is let through, as planners do: it merely never binds.
        """
        domain = self.domain
        return domain.is_subtype(types, wanted) or any(
            domain.is_subtype((w,), (t,)) for w in wanted for t in types
        )

    def symbol(self, node: Node, what: str) -> str:
        """Returns the node as a plain string, or fails if it is a list."""
        if not isinstance(node, Symbol):
            self.source.fail(f"expected {what}, found a list", node)
        return str(node)


def typed_list(
    source: SourceText,
    nodes: Iterable[Node],
    known: Mapping[str, object] | None,
    *,
    variables: bool,
) -> list[tuple[Symbol, Types]]:
    """Reads ``a b - type c - (either t u) d``.

    Args:
        source: The text that errors point into.
        nodes: The list's elements.
        known: Types that may be named; ``None`` accepts any (in ``:types``).
        variables: Whether the names must be variables (``?x``) or must not be.

    Returns:
        Names with their types in file order.
    """
    result: list[tuple[Symbol, Types]] = []
    waiting: list[Symbol] = []
    rest = iter(_apart(nodes))
    for node in rest:
        if not isinstance(node, Symbol):
            source.fail("expected a name in this list, found '('", node)
        if node == "-":
            kind = next(rest, None)
            if kind is None:
                source.fail("a type must follow '-'", node)
            if not waiting:
                source.warn("no name stands before this '-'; its type is ignored", node)
            types = _types(source, kind, known)
            result.extend((name, types) for name in waiting)
            waiting = []
            continue
        if node.startswith("?") != variables:
            wanted = "a variable such as ?x" if variables else "a name without '?'"
            source.fail(f"expected {wanted}, found '{shorten(node)}'", node)
        waiting.append(node)
    result.extend((name, (ROOT_TYPE,)) for name in waiting)
    return result


def _apart(nodes: Iterable[Node]) -> Iterator[Node]:
    """Yields a list's elements, ``-type`` as a dash and a type: no name begins with a dash."""
    for node in nodes:
        if isinstance(node, Symbol) and len(node) > 1 and node.startswith("-"):
            for text, offset in (("-", node.offset), (node[1:], node.offset + 1)):
                part = Symbol(text)
                part.offset = offset
                yield part
        else:
            yield node


def variable_list(scope: NameScope, nodes: Iterable[Node]) -> tuple[TypedName, ...]:
    """Reads the typed variables of an action or a quantifier."""
    seen: dict[str, TypedName] = {}
    for name, types in typed_list(scope.source, nodes, scope.domain.supertypes, variables=True):
        if name in seen:
            scope.source.fail(f"variable '{shorten(name)}' is declared twice", name)
        seen[str(name)] = TypedName(str(name), types)
    return tuple(seen.values())


def _types(source: SourceText, node: Node, known: Mapping[str, object] | None) -> Types:
    alternatives: list[Node] = [node]
    if isinstance(node, SList):
        if len(node) < 2 or node[0] != "either":
            source.fail("expected a type or '(either type …)'", node)
        alternatives = list(node[1:])
    for alternative in alternatives:
        if not isinstance(alternative, Symbol):
            source.fail("expected the name of a type", alternative)
        if known is not None and alternative not in known:
            hint = did_you_mean(alternative, known)
            source.fail(f"type '{shorten(alternative)}' is not declared{hint}", alternative)
    return tuple(dict.fromkeys(str(alternative) for alternative in alternatives))


def type_text(types: Types) -> str:
    """Writes a type as PDDL does."""
    return types[0] if len(types) == 1 else f"(either {' '.join(types)})"


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns a hint with the closest known name, or nothing."""
    close = get_close_matches(name[:80], [k for k in known if len(k) < 80][:5000], n=1)
    return f"; did you mean '{close[0]}'?" if close else ""
