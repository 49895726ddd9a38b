"""PDDL semantics written down once more, as plainly as possible: a second opinion."""

from __future__ import annotations

from itertools import product

from surefoot.pddl.language import (
    Atom,
    Conjunction,
    Disjunction,
    Effect,
    Exists,
    Forall,
    ForallEffect,
    Formula,
    Implication,
    Negation,
    Plan,
    PlanStep,
    Task,
    When,
)

State = frozenset[Atom]


def put_in(atom: Atom, binding: dict[str, str]) -> Atom:
    return Atom(atom.predicate, tuple(binding.get(a, a) for a in atom.args))


def true(task: Task, f: Formula, state: State, binding: dict[str, str]) -> bool:
    if isinstance(f, Atom):
        ground = put_in(f, binding)
        if f.predicate == "=":
            return ground.args[0] == ground.args[1]
        return ground in state
    if isinstance(f, Negation):
        return not true(task, f.child, state, binding)
    if isinstance(f, Conjunction):
        return all(true(task, c, state, binding) for c in f.children)
    if isinstance(f, Disjunction):
        return any(true(task, c, state, binding) for c in f.children)
    if isinstance(f, Implication):
        return not true(task, f.premise, state, binding) or true(task, f.conclusion, state, binding)
    rows = product(*(task.objects_of(v.types) for v in f.variables))
    names = [v.name for v in f.variables]
    results = [
        true(task, f.child, state, binding | dict(zip(names, row, strict=True))) for row in rows
    ]
    return (
        all(results) if isinstance(f, Forall) else any(results) if isinstance(f, Exists) else False
    )


def changes(
    task: Task, effects: tuple[Effect, ...], state: State, binding: dict[str, str]
) -> tuple[set[Atom], set[Atom]]:
    adds: set[Atom] = set()
    deletes: set[Atom] = set()
    for effect in effects:
        inner: list[tuple[set[Atom], set[Atom]]] = []
        if isinstance(effect, Atom):
            adds.add(put_in(effect, binding))
        elif isinstance(effect, Negation) and isinstance(effect.child, Atom):
            deletes.add(put_in(effect.child, binding))
        elif isinstance(effect, When):
            if true(task, effect.condition, state, binding):
                inner.append(changes(task, effect.effects, state, binding))
        elif isinstance(effect, ForallEffect):
            names = [v.name for v in effect.variables]
            for row in product(*(task.objects_of(v.types) for v in effect.variables)):
                inner.append(
                    changes(
                        task, effect.effects, state, binding | dict(zip(names, row, strict=True))
                    )
                )
        for more_adds, more_deletes in inner:
            adds |= more_adds
            deletes |= more_deletes
    return adds, deletes


def step_binding(task: Task, step: PlanStep) -> dict[str, str]:
    schema = task.domain.actions[step.action]
    return {p.name: value for p, value in zip(schema.parameters, step.args, strict=True)}


def run(task: Task, plan: Plan) -> tuple[bool, int | None]:
    """Returns whether the plan is valid, and the 1-based step that fails."""
    state: State = task.problem.init
    for number, step in enumerate(plan.steps, start=1):
        schema = task.domain.actions[step.action]
        binding = step_binding(task, step)
        if not true(task, schema.precondition, state, binding):
            return False, number
        adds, deletes = changes(task, schema.effects, state, binding)
        state = frozenset((state - deletes) | adds)
    return true(task, task.problem.goal, state, {}), None


def all_steps(task: Task) -> list[PlanStep]:
    """Every well-typed ground action."""
    return [
        PlanStep(schema.name, row)
        for schema in task.domain.actions.values()
        for row in product(*(task.objects_of(p.types) for p in schema.parameters))
    ]
