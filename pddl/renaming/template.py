"""Tells any task in plain English from its PDDL alone, with the names that it has.

A task and its renamed twin go through the same sentences, so that their texts differ in
the names and in nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

from surefoot.pddl.language.model import (
    ROOT_TYPE,
    Action,
    Atom,
    Conjunction,
    Disjunction,
    Effect,
    Exists,
    Forall,
    ForallEffect,
    Formula,
    Implication,
    Increase,
    Negation,
    Task,
    TypedName,
    When,
)


def tell(task: Task) -> str:
    """Tells a task completely: actions, objects, start, goal and cost.

    Facts stand in the order in which the objects are declared, never in that of their
    names: a renaming must not change the order.
    """
    domain, problem = task.domain, task.problem
    rank = {name: i for i, name in enumerate(task.objects)}
    order = {name: i for i, name in enumerate(domain.predicates)}

    def place(atom: Atom) -> tuple[int, list[int]]:
        return order.get(atom.predicate, -1), [rank.get(a, -1) for a in atom.args]

    lines = [f"There are {len(domain.actions)} actions. Each is written (name argument ...)."]
    for action in domain.actions.values():
        lines += ["", *_action(action, problem.minimize_cost)]
    lines += ["", "Kinds of things, and what each is a kind of:" if domain.types else ""]
    for name, parents in domain.types.items():
        above = [p for p in parents if p != ROOT_TYPE]
        lines.append(f"- {name}{': ' + _either(above) if above else ''}")
    lines += ["", "Things:"]
    by_kind: dict[tuple[str, ...], list[str]] = {}
    for item, types in task.objects.items():
        by_kind.setdefault(types, []).append(item)
    lines += [f"- {_either(types)}: {', '.join(names)}" for types, names in by_kind.items()]
    lines += ["", "At the start these facts are true, and no others:"]
    lines += [f"- {atom}" for atom in sorted(problem.init, key=place)]
    lines += ["", "At the end this must be true:"]
    lines += [f"- {part}" for part in _parts(problem.goal)] or ["- nothing in particular"]
    lines += ["", _cost(task)]
    return "\n".join(lines)


def _action(action: Action, costs: bool) -> list[str]:
    head = " ".join((action.name, *(p.name for p in action.parameters)))
    kinds = [
        f"{p.name} is a {_either(p.types)}" for p in action.parameters if p.types != (ROOT_TYPE,)
    ]
    lines = [f"({head})"]
    if kinds:
        lines.append(f"  Arguments: {', '.join(kinds)}.")
    lines.append(f"  Needs: {'; '.join(_parts(action.precondition)) or 'nothing'}.")
    told = [t for e in action.effects if (t := _effect(e, costs))]
    lines.append(f"  Result: {'; '.join(told) or 'nothing changes'}.")
    return lines


def _parts(formula: Formula) -> list[str]:
    if isinstance(formula, Conjunction):
        return [text for child in formula.children for text in _parts(child)]
    return [_formula(formula)]


def _formula(formula: Formula) -> str:
    match formula:
        case Atom("=", (left, right)):
            return f"{left} is the same as {right}"
        case Atom():
            return f"{formula} is true"
        case Negation(Atom("=", (left, right))):
            return f"{left} is not the same as {right}"
        case Negation(Atom() as atom):
            return f"{atom} is false"
        case Negation(child):
            return f"it is not so that [{_formula(child)}]"
        case Conjunction(children):
            return _joined(children, "and") or "nothing is demanded"
        case Disjunction(children):
            return _joined(children, "or") or "the impossible is demanded"
        case Implication(premise, conclusion):
            return f"if [{_formula(premise)}] then [{_formula(conclusion)}]"
        case Forall(variables, child):
            return f"for every {_variables(variables)}: [{_formula(child)}]"
        case Exists(variables, child):
            return f"for at least one {_variables(variables)}: [{_formula(child)}]"


def _joined(children: Iterable[Formula], word: str) -> str:
    return f" {word} ".join(f"[{_formula(child)}]" for child in children)


def _effect(effect: Effect, costs: bool) -> str:
    match effect:
        case Atom():
            return f"{effect} becomes true"
        case Negation(child):
            return f"{child} becomes false"
        case When(condition, inner):
            told = "; ".join(t for e in inner if (t := _effect(e, costs)))
            return f"if [{_formula(condition)}] before, then [{told}]"
        case ForallEffect(variables, inner):
            told = "; ".join(t for e in inner if (t := _effect(e, costs)))
            return f"for every {_variables(variables)}: [{told}]"
        case Increase(amount) if costs:
            text = f"{amount:g}" if not isinstance(amount, Atom) else f"the value of {amount}"
            return f"the cost grows by {text}"
    return ""


def _variables(variables: Iterable[TypedName]) -> str:
    return " and ".join(f"{v.name} ({_either(v.types)})" for v in variables)


def _either(types: Iterable[str]) -> str:
    return " or ".join("thing" if t == ROOT_TYPE else t for t in types)


def _cost(task: Task) -> str:
    if not task.problem.minimize_cost:
        return "Every action costs 1. The best plan is the cheapest."
    values = [
        f"the value of {term} is {value:g}"
        for term, value in task.problem.init_values.items()
        if term.args
    ]
    told = f" {'; '.join(values)}." if values else ""
    return f"The best plan is the one whose actions let the cost grow least.{told}"
