"""Reading PDDL domain and problem files.

Covers classical planning of PDDL 2.1 and 3.x: typing (with ``either``), constants,
equality, negative and disjunctive preconditions, quantifiers, conditional effects and
action costs. Lenient where real files are careless (missing or superfluous requirements,
duplicate type declarations, an action named like a predicate, undeclared constants,
a type without names before it); what looks like a mistake is noted as a warning, and
anything that would change the meaning of a plan is refused with line and column.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from surefoot.pddl.language.formulas import KEYWORDS, read_effects, read_formula, read_number
from surefoot.pddl.language.model import (
    COST,
    ROOT_TYPE,
    Action,
    Atom,
    Conjunction,
    Domain,
    Formula,
    Predicate,
    Problem,
    Task,
    TypedName,
)
from surefoot.pddl.language.scope import (
    NameScope,
    did_you_mean,
    type_text,
    typed_list,
    variable_list,
)
from surefoot.pddl.language.sexpr import Node, SList, SourceText, Symbol, read_sexpr, shorten

_UNSUPPORTED_SECTIONS = {
    ":durative-action": "durative actions (:durative-actions)",
    ":derived": "derived predicates (:derived-predicates)",
    ":constraints": "trajectory constraints (:constraints)",
    ":process": "processes (:time)",
    ":event": "events (:time)",
    ":class": "modules (:class)",
}
_UNSUPPORTED_REQUIREMENTS = {
    "durative-actions",
    "continuous-effects",
    "time",
    "timed-initial-literals",
    "timed-initial-fluents",
    "probabilistic-effects",
    "multi-agent",
    "unfactored-privacy",
    "factored-privacy",
    "non-deterministic",
}


def parse_domain(text: str | SourceText, name: str = "<domain>") -> Domain:
    """Reads a domain.

    Args:
        text: The PDDL text.
        name: What errors call the text.

    Raises:
        InputError: With line and column, if the text is not a supported domain.
    """
    source = text if isinstance(text, SourceText) else SourceText(text, name)
    domain_name, sections = _definition(source, "domain")
    by_head: dict[str, list[SList]] = {}
    for section in sections:
        head = str(section[0])
        if head in _UNSUPPORTED_SECTIONS:
            source.unsupported(_UNSUPPORTED_SECTIONS[head], section)
        if head not in (
            ":requirements",
            ":types",
            ":constants",
            ":predicates",
            ":functions",
            ":action",
        ):
            source.fail(f"unknown section '{shorten(head)}' in a domain", section)
        if head != ":action" and head in by_head:
            source.fail(f"section '{head}' stands twice", section)
        by_head.setdefault(head, []).append(section)

    def body(head: str) -> list[Node]:
        return list(by_head[head][0][1:]) if head in by_head else []

    requirements = _requirements(source, body(":requirements"))
    types = _type_table(source, body(":types"))
    domain = Domain(domain_name, requirements, types)
    constants = _objects(source, body(":constants"), domain, {})
    predicates = _signatures(source, body(":predicates"), domain)
    for node in body(":predicates"):
        if isinstance(node, SList) and node[0] in KEYWORDS:
            source.fail(
                f"'{node[0]}' is a word of PDDL and cannot name a predicate; rename it", node
            )
    functions = _functions(source, body(":functions"), domain)
    domain = Domain(domain_name, requirements, types, constants, predicates, functions)
    free_names: set[str] = set()
    scope = NameScope(source, domain, {c.name: c.types for c in constants}, free_names)
    actions: dict[str, Action] = {}
    for section in by_head.get(":action", []):
        action = _action(scope, section)
        if action.name in actions:
            source.fail(f"action '{shorten(action.name)}' is declared twice", section)
        actions[action.name] = action
    return Domain(
        domain_name,
        requirements,
        types,
        constants,
        predicates,
        functions,
        actions,
        frozenset(free_names),
        tuple(source.warnings),
    )


def parse_problem(text: str | SourceText, domain: Domain, name: str = "<problem>") -> Problem:
    """Reads a problem of a domain.

    The problem's ``(:domain …)`` name is recorded but need not match: published suites
    are careless about it.

    Raises:
        InputError: With line and column, if the text is not a supported problem.
    """
    source = text if isinstance(text, SourceText) else SourceText(text, name)
    problem_name, sections = _definition(source, "problem")
    seen: dict[str, SList] = {}
    for section in sections:
        head = str(section[0])
        if head in _UNSUPPORTED_SECTIONS:
            source.unsupported(_UNSUPPORTED_SECTIONS[head], section)
        if head not in (
            ":domain",
            ":requirements",
            ":objects",
            ":init",
            ":goal",
            ":metric",
            ":length",
        ):
            source.fail(f"unknown section '{shorten(head)}' in a problem", section)
        if head in seen:
            source.fail(f"section '{head}' stands twice", section)
        seen[head] = section
    for needed in (":init", ":goal"):
        if needed not in seen:
            source.fail(f"the problem has no {needed} section", 0)
    if ":requirements" in seen:
        _requirements(source, seen[":requirements"][1:])
    declared = seen.get(":domain")
    if declared is not None and (len(declared) != 2 or not isinstance(declared[1], Symbol)):
        source.fail("write (:domain NAME)", declared)
    domain_name = str(declared[1]) if declared is not None else domain.name
    constants = {c.name: c.types for c in domain.constants}
    objects = _objects(
        source, seen[":objects"][1:] if ":objects" in seen else [], domain, constants
    )
    names = {**constants, **{o.name: o.types for o in objects}}
    missing = sorted(domain.free_names - names.keys())
    if missing:
        source.fail(
            f"the domain's actions use '{shorten(missing[0])}', which neither the domain "
            "nor this problem declares",
            seen.get(":objects", 0),
        )
    scope = NameScope(source, domain, names)
    init, values = _init(scope, seen[":init"])
    goal_section = seen[":goal"]
    if len(goal_section) != 2:
        source.fail("write (:goal condition)", goal_section)
    goal = read_formula(scope, goal_section[1])
    minimize = ":metric" in seen and _metric(source, seen[":metric"])
    return Problem(
        problem_name,
        domain_name,
        objects,
        init,
        goal,
        values,
        minimize,
        tuple(source.warnings),
    )


def parse_task(domain_text: str, problem_text: str, name: str = "") -> Task:
    """Reads a domain and one of its problems from strings."""
    domain = parse_domain(domain_text)
    return Task(domain, parse_problem(problem_text, domain), name)


def load_task(domain_path: str | Path, problem_path: str | Path, name: str = "") -> Task:
    """Reads a task from two files.

    Raises:
        InputError: A file cannot be read or is not supported PDDL.
    """
    domain = parse_domain(SourceText.from_file(domain_path))
    problem = parse_problem(SourceText.from_file(problem_path), domain)
    return Task(domain, problem, name or Path(problem_path).stem)


def _definition(source: SourceText, kind: str) -> tuple[str, list[SList]]:
    root = read_sexpr(source)
    if not root or root[0] != "define":
        source.fail("a PDDL file starts with '(define'", root)
    header = root[1] if len(root) > 1 else root
    if not isinstance(header, SList) or len(header) != 2 or header[0] != kind:
        found = header[0] if isinstance(header, SList) and header else ""
        if found in ("domain", "problem"):
            source.fail(f"expected a {kind}, this file is a {found}", header)
        source.fail(f"expected '(define ({kind} NAME)'", header)
    if not isinstance(header[1], Symbol):
        source.fail(f"the {kind}'s name must be a plain word", header[1])
    sections: list[SList] = []
    for node in root[2:]:
        if not isinstance(node, SList) or not node or not isinstance(node[0], Symbol):
            source.fail("expected a section such as (:action …)", node)
        sections.append(node)
    return str(header[1]), sections


def _requirements(source: SourceText, nodes: list[Node]) -> tuple[str, ...]:
    flags: list[str] = []
    for node in nodes:
        if not isinstance(node, Symbol) or not node.startswith(":"):
            source.fail("requirements are words such as :typing", node)
        if node[1:] in _UNSUPPORTED_REQUIREMENTS:
            source.unsupported(f"requirement '{node}'", node)
        flags.append(str(node[1:]))
    return tuple(dict.fromkeys(flags))


def _type_table(source: SourceText, nodes: list[Node]) -> dict[str, tuple[str, ...]]:
    table: dict[str, tuple[str, ...]] = {}
    for name, parents in typed_list(source, nodes, None, variables=False):
        if name == ROOT_TYPE:  # some files declare the root type as if it were their own
            if parents != (ROOT_TYPE,):
                source.warn(f"'{ROOT_TYPE}' stands above all types; its parent is ignored", name)
            continue
        table[str(name)] = tuple(dict.fromkeys((*table.get(name, ()), *parents)))
    for parents in list(table.values()):
        for parent in parents:  # parents used but never declared become types below object
            if parent != ROOT_TYPE:
                table.setdefault(parent, (ROOT_TYPE,))
    circle = _circle(table)
    if circle:
        way = " - ".join(circle)
        source.fail(f"type '{shorten(circle[0])}' lies below itself: {shorten(way, 120)}", nodes[0])
    return table


def _circle(table: dict[str, tuple[str, ...]]) -> list[str]:
    """Returns types of which each is declared below the next and the first is the last."""
    done: set[str] = set()
    for start in table:
        path: list[str] = []
        branches = [iter((start,))]
        while branches:
            name = next(branches[-1], None)
            if name is None:
                branches.pop()
                if path:
                    done.add(path.pop())
            elif name in path:
                return [*path[path.index(name) :], name]
            elif name not in done:
                path.append(name)
                branches.append(iter(table.get(name, ())))
    return []


def _objects(
    source: SourceText,
    nodes: list[Node],
    domain: Domain,
    constants: dict[str, tuple[str, ...]],
) -> tuple[TypedName, ...]:
    found: dict[str, TypedName] = {}
    for name, types in typed_list(source, nodes, domain.supertypes, variables=False):
        earlier = found[name].types if name in found else constants.get(name)
        if earlier is not None:
            if earlier != types:
                source.fail(
                    f"'{shorten(name)}' is declared twice, as {type_text(earlier)} and "
                    f"{type_text(types)}",
                    name,
                )
            continue
        found[str(name)] = TypedName(str(name), types)
    return tuple(found.values())


def _signatures(source: SourceText, nodes: list[Node], domain: Domain) -> dict[str, Predicate]:
    table: dict[str, Predicate] = {}
    for node in nodes:
        if not isinstance(node, SList) or not node or not isinstance(node[0], Symbol):
            source.fail("expected a declaration such as (on ?x ?y - block)", node)
        name = str(node[0])
        if name in table:
            source.fail(f"'{shorten(name)}' is declared twice", node)
        listed = typed_list(source, node[1:], domain.supertypes, variables=True)
        table[name] = Predicate(name, tuple(TypedName(str(n), types) for n, types in listed))
    return table


def _functions(source: SourceText, nodes: list[Node], domain: Domain) -> dict[str, Predicate]:
    lists: list[Node] = []
    rest: Iterator[Node] = iter(nodes)
    for node in rest:
        if isinstance(node, Symbol) and node.startswith("-"):
            kind = next(rest, None) if node == "-" else node[1:]
            if kind != "number":
                source.unsupported("object-valued functions (:object-fluents)", node)
            continue
        lists.append(node)
    return _signatures(source, lists, domain)


def _action(scope: NameScope, section: SList) -> Action:
    fail = scope.source.fail
    if len(section) < 2 or not isinstance(section[1], Symbol):
        fail("write (:action NAME …)", section)
    parts: dict[str, Node] = {}
    for key, value in _pairs(scope.source, section[2:]):
        if key not in (":parameters", ":precondition", ":effect"):
            hint = did_you_mean(key, [":parameters", ":precondition", ":effect"])
            fail(f"unknown part '{shorten(key)}' of an action{hint}", key)
        if key in parts:
            fail(f"'{key}' stands twice", key)
        parts[str(key)] = value
    listed = parts.get(":parameters", SList())
    if not isinstance(listed, SList):
        fail("parameters stand in parentheses", listed)
    parameters = variable_list(scope, listed)
    inner = scope.bind(parameters)
    condition: Formula = Conjunction()
    if ":precondition" in parts:
        condition = read_formula(inner, parts[":precondition"])
    effects = read_effects(inner, parts[":effect"]) if ":effect" in parts else ()
    return Action(str(section[1]), parameters, condition, effects)


def _pairs(source: SourceText, nodes: list[Node]) -> Iterator[tuple[Symbol, Node]]:
    rest = iter(nodes)
    for key in rest:
        if not isinstance(key, Symbol) or not key.startswith(":"):
            source.fail("expected :parameters, :precondition or :effect", key)
        value = next(rest, None)
        if value is None:
            source.fail(f"nothing follows '{shorten(key)}'", key)
        yield key, value


def _init(scope: NameScope, section: SList) -> tuple[frozenset[Atom], dict[Atom, float]]:
    fail = scope.source.fail
    atoms: set[Atom] = set()
    denied: dict[Atom, Node] = {}
    values: dict[Atom, float] = {}
    nodes = section[1:]
    if len(nodes) == 1 and isinstance(nodes[0], SList) and nodes[0] and nodes[0][0] == "and":
        nodes = nodes[0][1:]
    for node in nodes:
        if not isinstance(node, SList) or not node:
            fail("expected a fact such as (clear b1)", node)
        if node[0] == "=":
            if len(node) != 3 or not isinstance(node[1], SList) or not node[1]:
                fail("write (= (function object …) number)", node)
            args = scope.arguments(node[1], scope.domain.functions, "function")
            term, value = Atom(str(node[1][0]), args), read_number(scope, node[2])
            if values.setdefault(term, value) != value:
                fail(f"{term} has two values at the start: {values[term]:g} and {value:g}", node)
            continue
        if node[0] == "not" and len(node) == 2:
            fact = read_formula(scope, node[1])
            if not isinstance(fact, Atom):
                fail("only single facts can be denied at the start: (not (predicate …))", node)
            if fact.predicate == "=" and fact.args[0] == fact.args[1]:
                fail(f"{fact} cannot be false", node)
            denied[fact] = node  # what is not listed is false anyway
            continue
        if node[0] == "at" and len(node) == 3 and isinstance(node[2], SList):
            scope.source.unsupported("timed initial literals", node)
        atoms.add(Atom(str(node[0]), scope.arguments(node, scope.domain.predicates, "predicate")))
    for fact, node in denied.items():
        if fact in atoms:
            fail(f"{fact} is both true and false at the start", node)
    return frozenset(atoms), values


def _metric(source: SourceText, section: SList) -> bool:
    term = section[2] if len(section) == 3 and section[1] == "minimize" else None
    if term != COST and term != [COST]:
        source.unsupported("any metric but (:metric minimize (total-cost))", section)
    return True
