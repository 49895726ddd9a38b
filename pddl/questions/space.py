"""The whole reachable state space of a small task, and what can be read off it."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

from surefoot.pddl.conditions import holds
from surefoot.pddl.ground import GroundAction, GroundTask
from surefoot.pddl.language import PlanStep
from surefoot.pddl.successors import reachable_actions

State = frozenset[int]


@dataclass(frozen=True)
class StateSpace:
    """All states that a task can be in.

    Attributes:
        ground: The task.
        states: States, the initial one first.
        edges: For every state its applicable actions with the number of the next state.
    """

    ground: GroundTask
    states: tuple[State, ...]
    edges: tuple[tuple[tuple[GroundAction, int], ...], ...]

    @property
    def open_states(self) -> list[int]:
        """States outside the goal from which there is a way to it."""
        return [i for i, d in enumerate(self.distances) if 0 < d < float("inf")]

    def out(self, state: int) -> list[tuple[GroundAction, State]]:
        """Returns the applicable actions of a state with the state after each."""
        return [(action, self.states[j]) for action, j in self.edges[state]]

    def facts_ahead(self, state: int) -> tuple[frozenset[int], frozenset[int]]:
        """Returns the facts that can become true, twice: what is proven, and what is not ruled out.

        Over the whole space the two are the same.
        """
        found = frozenset(f for i in self.reachable(state) for f in self.states[i])
        return found, found

    def steps_ahead(self, state: int) -> tuple[frozenset[PlanStep], frozenset[PlanStep]]:
        """Returns the actions that can ever be taken, as :meth:`facts_ahead` does facts."""
        found = frozenset(a.step for i in self.reachable(state) for a, _ in self.edges[i])
        return found, found

    def landmarks(self, asked: Iterable[int]) -> tuple[frozenset[int], frozenset[int]]:
        """Splits facts into those of every plan and those that some plan never makes true."""
        facts = frozenset(asked)
        sure = frozenset(f for f in facts if self.is_landmark(f))
        return sure, facts - sure

    @cached_property
    def goals(self) -> frozenset[int]:
        """Numbers of the states in which the goal holds."""
        return frozenset(i for i, s in enumerate(self.states) if holds(self.ground.goal, s))

    @cached_property
    def distances(self) -> tuple[float, ...]:
        """Least cost from every state to a goal; infinite where there is no way (Dijkstra)."""
        back: list[list[tuple[int, float]]] = [[] for _ in self.states]
        for i, out in enumerate(self.edges):
            for action, j in out:
                back[j].append((i, action.cost))
        found = [float("inf")] * len(self.states)
        queue = [(0.0, g) for g in self.goals]
        for _, g in queue:
            found[g] = 0.0
        heapq.heapify(queue)
        while queue:
            cost, j = heapq.heappop(queue)
            if cost > found[j]:
                continue
            for i, step in back[j]:
                if cost + step < found[i]:
                    found[i] = cost + step
                    heapq.heappush(queue, (found[i], i))
        return tuple(found)

    def reachable(self, start: int, without: Iterable[int] = ()) -> frozenset[int]:
        """Returns the states that can be reached from one without entering some others."""
        closed = set(without)
        if start in closed:
            return frozenset()
        seen = {start}
        queue = [start]
        while queue:
            for _, j in self.edges[queue.pop()]:
                if j not in seen and j not in closed:
                    seen.add(j)
                    queue.append(j)
        return frozenset(seen)

    def best_steps(self, state: int) -> frozenset[PlanStep]:
        """Returns the actions with which an optimal plan from a state can begin."""
        here = self.distances[state]
        if here == float("inf") or state in self.goals:
            return frozenset()
        return frozenset(a.step for a, j in self.edges[state] if a.cost + self.distances[j] == here)

    @cached_property
    def _marks(self) -> dict[int, bool]:
        return {}

    def is_landmark(self, fact: int) -> bool:
        """Returns whether a fact holds at some point of every plan."""
        if fact not in self._marks:
            holding = {i for i, s in enumerate(self.states) if fact in s}
            self._marks[fact] = not self.reachable(0, holding) & self.goals
        return self._marks[fact]


def explore(ground: GroundTask, cap: int = 20_000) -> StateSpace | None:
    """Visits all reachable states.

    Args:
        ground: The task.
        cap: Most states to visit.

    Returns:
        The space; ``None`` if it has more states, since nothing may then be said of all.
    """
    # all that can be applied is in the delete relaxation: quicker than a join for each state
    relaxed = reachable_actions(ground)
    first = frozenset(ground.initial)
    numbers = {first: 0}
    states: list[State] = [first]
    edges: list[tuple[tuple[GroundAction, int], ...]] = []
    while len(edges) < len(states):
        state = states[len(edges)]
        out: list[tuple[GroundAction, int]] = []
        for action in relaxed:
            if not action.applicable(state):
                continue
            after = set(state)
            action.apply(after)
            next_state = frozenset(after)
            number = numbers.get(next_state)
            if number is None:
                if len(states) >= cap:
                    return None
                number = numbers[next_state] = len(states)
                states.append(next_state)
            out.append((action, number))
        edges.append(tuple(out))
    return StateSpace(ground, tuple(states), tuple(edges))
