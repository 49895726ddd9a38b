"""Hypothesis strategies: small random tasks with every supported construct, and plans."""

from __future__ import annotations

from hypothesis import strategies as st

from surefoot.pddl.language import (
    Action,
    Atom,
    Conjunction,
    Disjunction,
    Domain,
    Exists,
    Forall,
    ForallEffect,
    Formula,
    Implication,
    Negation,
    Plan,
    PlanStep,
    Predicate,
    Problem,
    Task,
    TypedName,
    When,
)

TYPES = {"a": ("object",), "b": ("a",), "c": ("object",)}
OBJECTS = (TypedName("o1", ("a",)), TypedName("o2", ("b",)), TypedName("o3", ("c",)))
PREDICATES = {
    "p": Predicate("p", (TypedName("?x"),)),
    "q": Predicate("q", (TypedName("?x", ("a",)), TypedName("?y", ("object",)))),
    "r": Predicate("r"),
}
_ANCESTORS = {
    "object": {"object"},
    "a": {"a", "object"},
    "b": {"a", "b", "object"},
    "c": {"c", "object"},
}


def atoms(visible: dict[str, str]) -> st.SearchStrategy[Atom]:
    """Atoms over the visible terms, well typed."""
    choices: list[Atom] = [Atom("r")]
    choices += [Atom("p", (t,)) for t in visible]
    choices += [
        Atom("q", (t, u)) for t, kind in visible.items() if "a" in _ANCESTORS[kind] for u in visible
    ]
    return st.sampled_from(choices)


def formulas(visible: dict[str, str], depth: int = 2) -> st.SearchStrategy[Formula]:
    """Conditions over the visible terms."""
    equality = st.tuples(st.sampled_from(sorted(visible)), st.sampled_from(sorted(visible))).map(
        lambda pair: Atom("=", pair)
    )
    base = atoms(visible) | atoms(visible).map(Negation) | equality
    if depth == 0:
        return base
    inner = formulas(visible, depth - 1)
    several = st.lists(inner, max_size=3).map(tuple)
    fresh = f"?v{depth}"

    def quantified(kind: str) -> st.SearchStrategy[Formula]:
        body = formulas({**visible, fresh: kind}, depth - 1)
        bound = (TypedName(fresh, (kind,)),)
        return body.flatmap(lambda f: st.sampled_from([Forall(bound, f), Exists(bound, f)]))

    return (
        base
        | several.map(Conjunction)
        | several.filter(bool).map(Disjunction)
        | st.builds(Implication, inner, inner)
        | inner.map(Negation)
        | st.sampled_from(["a", "c", "object"]).flatmap(quantified)
    )


@st.composite
def actions(draw: st.DrawFn, name: str) -> Action:
    """An action whose unconditional and conditional effects may clash."""
    kinds = draw(st.lists(st.sampled_from(["a", "b", "c", "object"]), max_size=2))
    parameters = tuple(TypedName(f"?x{i}", (kind,)) for i, kind in enumerate(kinds))
    constants = {o.name: o.types[0] for o in OBJECTS[:1]}
    visible = constants | {p.name: p.types[0] for p in parameters}
    literal = atoms(visible) | atoms(visible).map(Negation)
    literals = st.lists(literal, min_size=1, max_size=2).map(tuple)
    when = st.builds(When, formulas(visible, 1), literals)
    inner = {**visible, "?w": "a"}
    every = st.builds(
        ForallEffect,
        st.just((TypedName("?w", ("a",)),)),
        st.builds(When, formulas(inner, 1), st.tuples(atoms(inner))).map(lambda w: (w,)),
    )
    effects = draw(st.lists(literal | when | every, min_size=1, max_size=4).map(tuple))
    return Action(name, parameters, draw(formulas(visible)), effects)


@st.composite
def tasks(draw: st.DrawFn) -> Task:
    """A task with two actions over three objects."""
    made = {name: draw(actions(name)) for name in ("go", "do")}
    domain = Domain("d", (), TYPES, OBJECTS[:1], PREDICATES, {}, made)
    visible = {o.name: o.types[0] for o in OBJECTS}
    init = draw(st.frozensets(atoms(visible), max_size=6))
    goal = draw(formulas(visible))
    return Task(domain, Problem("p", "d", OBJECTS[1:], init, goal), "random")


@st.composite
def tasks_with_plans(draw: st.DrawFn) -> tuple[Task, Plan]:
    """A task with a plan of well-typed steps, mostly not valid."""
    task = draw(tasks())
    names = sorted(task.domain.actions)
    steps = []
    for _ in range(draw(st.integers(0, 4))):
        schema = task.domain.actions[draw(st.sampled_from(names))]
        args = tuple(
            draw(st.sampled_from(sorted(task.objects_of(p.types)))) for p in schema.parameters
        )
        steps.append(PlanStep(schema.name, args))
    return task, Plan(tuple(steps))
