"""The symbolic twin: the same tasks, labels and actions without physics.

A state holds where the vehicle is, what the lights show, and for each road and crosswalk whether
it is occupied. Time advances in decision steps. One step, from a state and an action:

1. *The vehicle.* A move at the line begins the requested turn, under the light shown then; a move
   on the crossing advances by one of 2 (right), 3 (straight) or 4 (left) places; after the last
   one it is past. Past the crossing ``stop`` is the end: the goal, or the wrong road; a move is
   overshooting. ``stop`` and ``wait`` elsewhere change nothing.
2. *Collisions.* A move ends in a collision if it enters or goes on while a car comes from, or is
   on the crossing from, a road that conflicts (right: left; straight: left, right; left: all
   three); if it enters while someone is on the crosswalk of its own road; or if it reaches the
   last place, or leaves it, while someone is on that of the road it leaves by. The twin is
   conservative: such a move may succeed in physics, but no unsafe move is safe in the twin.
3. *Cars.* On each road at most one: none, approaching (can still stop), coming, on the crossing.
   A car on the crossing leaves it, one that comes drives onto it, and one that approaches comes
   if its light is open (the opposite road at a stop sign and crossing roads there always), and
   the vehicle is not on a way that bars it: as for collisions, and a vehicle turning right bars
   only the left. Otherwise it waits.
4. *Chance.* At most one thing happens: the light goes on to its next phase (arrow, green,
   yellow, crossing road), a car begins to approach on an empty road, someone steps onto a
   crosswalk (own: not while the own road has green or yellow; other: not while the crossing road
   has green and the vehicle does not turn; none that the vehicle is about to cross), or someone
   leaves one.

The number of states is finite; :meth:`Twin.explore` lists them with all transitions.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, replace
from random import Random

import numpy as np
from numpy.typing import NDArray

from surefoot.core.errors import InputError
from surefoot.envs.crossing.geometry import Turn
from surefoot.envs.crossing.labels import doing
from surefoot.envs.crossing.skills import CrossingAction
from surefoot.envs.crossing.street import LIGHT
from surefoot.envs.crossing.tasks import check_difficulty, check_task
from surefoot.envs.crossing.world import CrossingOutcome

PLACES = {Turn.RIGHT: 2, Turn.STRAIGHT: 3, Turn.LEFT: 4}
"""Decision steps that each turn takes on the crossing."""

PAST = 9
"""The place past the crossing; 0 is at the line, others are on it."""

PHASES = ("arrow", "green", "yellow", "cross")
"""Phases of the lights; in ``cross`` the crossing road has green."""

NOBODY, APPROACHING, COMING, CROSSING = range(4)
"""States of the car of a road."""

BARS = {Turn.RIGHT: (0,), Turn.STRAIGHT: (0, 1), Turn.LEFT: (0, 1, 2)}
"""For each turn the roads whose cars conflict: 0 left, 1 right, 2 opposite."""

_TURNS = {
    CrossingAction.STRAIGHT: Turn.STRAIGHT,
    CrossingAction.LEFT: Turn.LEFT,
    CrossingAction.RIGHT: Turn.RIGHT,
}
_SWITCH = {"arrow": 0.2, "green": 0.1, "yellow": 0.4, "cross": 0.1}
_LEAVES = 0.3


@dataclass(frozen=True, slots=True)
class TwinState:
    """A state.

    Attributes:
        place: 0 at the line, :data:`PAST` past the crossing, others on it.
        turn: The turn begun; before the line that of the task.
        phase: Phase of the lights, ``""`` at a stop sign.
        entered: The phase in which the vehicle entered, ``""`` before or without lights.
        cars: States of the cars of the left, right and opposite road.
        own: Whether someone is on the crosswalk of the vehicle's road.
        far: Whether someone is on that of the exit road.
        end: How the episode ended, ``""`` if it has not.
    """

    place: int
    turn: Turn
    phase: str
    entered: str = ""
    cars: tuple[int, int, int] = (0, 0, 0)
    own: bool = False
    far: bool = False
    end: str = ""


Successors = tuple[tuple[float, TwinState], ...]


class Twin:
    """The transition system of one task.

    Attributes:
        task: Its name.
        turn: The turn at the crossing.
        lights: Whether the crossing has lights.
        car_rate: Probability per step and road that a car begins to approach.
        walker_rate: Probability per step and crosswalk that someone steps on it.
    """

    def __init__(self, task: str, difficulty: float = 0.5) -> None:
        """Builds the transition system.

        Args:
            task: One of the six tasks.
            difficulty: How much traffic, from 0 to 1.

        Raises:
            InputError: There is no such task or difficulty.
        """
        check_task(task)
        check_difficulty(difficulty)
        turn, _, kind = task.partition("-at-")
        self.task, self.turn, self.lights = task, Turn(turn), kind == LIGHT
        self.car_rate, self.walker_rate = 0.1 * difficulty, 0.08 * difficulty

    def initial(self) -> Successors:
        """Returns the states in which an episode may begin, with their probabilities."""
        phases = PHASES if self.lights else ("",)
        return tuple((1 / len(phases), TwinState(0, self.turn, phase)) for phase in phases)

    def observations(self, state: TwinState) -> NDArray[np.bool_]:
        """Returns the truth of ``labels.OBSERVATIONS``, shape [7]."""
        truth = np.zeros(7, np.bool_)
        if state.place == PAST or state.end:
            return truth
        left, right, opposite = (c >= COMING for c in state.cars)
        lamp = state.entered if state.place else state.phase
        truth[:] = (
            state.far or (state.own and state.place <= 1),
            opposite,
            lamp == "arrow",
            lamp == "green",
            not self.lights and state.place == 0,
            left,
            right,
        )
        return truth

    def actions(self, state: TwinState, action: CrossingAction) -> NDArray[np.bool_]:
        """Returns the truth of ``labels.ACTIONS`` if an action is performed, shape [4]."""
        turn = _TURNS.get(action)
        way = turn if turn is not None and state.place == 0 else state.turn
        return doing(turn is None, way, state.place == PAST)

    def successors(self, state: TwinState, action: CrossingAction) -> Successors:
        """Returns the successors with their probabilities, which sum to 1; final states have none.

        Args:
            state: A state.
            action: Any action; ``wait`` is one step of ``stop`` here.
        """
        if state.end:
            return ()
        moved = self._drive(state, _TURNS.get(action))
        if moved.end:
            return ((1.0, moved),)
        moved = replace(moved, cars=self._traffic(moved))
        events = list(self._chances(moved))
        rest = 1.0 - sum(p for p, _ in events)
        merged: dict[TwinState, float] = {}
        for p, after in [(rest, moved), *events]:
            if p > 0:
                merged[after] = merged.get(after, 0.0) + p
        return tuple((p, after) for after, p in merged.items())

    def sample(self, state: TwinState, action: CrossingAction, rng: Random) -> TwinState:
        """Draws a successor."""
        options = self.successors(state, action)
        return rng.choices([s for _, s in options], [p for p, _ in options])[0]

    def explore(
        self, limit: int = 200_000
    ) -> tuple[tuple[TwinState, ...], list[tuple[int, CrossingAction, float, int]]]:
        """Lists all reachable states and all transitions.

        Args:
            limit: The largest number of states.

        Returns:
            The states, those of :meth:`initial` first, and for each transition the numbers of
            its states, the action (``wait`` is left out) and the probability.

        Raises:
            InputError: There are more states.
        """
        number = {state: i for i, (_, state) in enumerate(self.initial())}
        queue = deque(number)
        edges: list[tuple[int, CrossingAction, float, int]] = []
        while queue:
            state = queue.popleft()
            for action in CrossingAction:
                if action is CrossingAction.WAIT:
                    continue
                for p, after in self.successors(state, action):
                    if after not in number:
                        if len(number) >= limit:
                            raise InputError(f"the twin has more than {limit} states")
                        number[after] = len(number)
                        queue.append(after)
                    edges.append((number[state], action, p, number[after]))
        return tuple(number), edges

    def expert(self, state: TwinState) -> CrossingAction:
        """Returns the action of a driver that obeys the rules and reaches the goal."""
        if state.place == PAST:
            return CrossingAction.STOP
        go = next(a for a, t in _TURNS.items() if t is state.turn)
        if state.place:
            return CrossingAction.STOP if self._hits(state, state.place) else go
        clear = not state.own and not state.far
        clear &= all(state.cars[road] < COMING for road in BARS[self.turn])
        open_now = state.phase in ("green", "") or self.turn is Turn.RIGHT
        open_now |= state.phase == "arrow" and self.turn is Turn.LEFT
        return go if clear and open_now else CrossingAction.STOP

    def _drive(self, state: TwinState, turn: Turn | None) -> TwinState:
        if state.place == PAST:
            good = CrossingOutcome.GOAL if state.turn is self.turn else CrossingOutcome.WRONG_ROAD
            return replace(state, end=(good if turn is None else CrossingOutcome.OVERSHOT).value)
        if turn is None:
            return state
        if state.place == 0:
            state = replace(state, turn=turn, entered=state.phase)
        if self._hits(state, state.place):
            return replace(state, end=CrossingOutcome.COLLISION.value)
        following = state.place + 1
        return replace(state, place=PAST if following > PLACES[state.turn] else following)

    def _hits(self, state: TwinState, place: int) -> bool:
        """Returns whether moving on from a place causes a collision."""
        cars = any(state.cars[road] >= COMING for road in BARS[state.turn])
        last = place >= PLACES[state.turn] - 1
        return cars or (state.own and place == 0) or (state.far and last)

    def _traffic(self, state: TwinState) -> tuple[int, int, int]:
        on = state.place not in (0, PAST)
        barred = BARS[state.turn] if on else ()
        cars = list(state.cars)
        for road, car in enumerate(state.cars):
            open_phase = "green" if road == 2 else "cross"
            is_open = road not in barred and state.phase in ("", open_phase)
            if car in (COMING, CROSSING):
                cars[road] = (car + 1) % 4
            elif car == APPROACHING and is_open:
                cars[road] = COMING
        return cars[0], cars[1], cars[2]

    def _chances(self, state: TwinState) -> Iterator[tuple[float, TwinState]]:
        on = state.place not in (0, PAST)
        if self.lights:
            after = PHASES[(PHASES.index(state.phase) + 1) % 4]
            yield _SWITCH[state.phase], replace(state, phase=after)
        for road, car in enumerate(state.cars):
            if car == NOBODY:
                cars = list(state.cars)
                cars[road] = APPROACHING
                yield self.car_rate, replace(state, cars=(cars[0], cars[1], cars[2]))
        if state.own:
            yield _LEAVES / 2, replace(state, own=False)
        elif not (on and state.place <= 1) and state.phase not in ("arrow", "green", "yellow"):
            yield self.walker_rate, replace(state, own=True)
        straight = state.turn is Turn.STRAIGHT
        if state.far:
            yield _LEAVES / 2, replace(state, far=False)
        elif not on and state.phase in ("", "cross" if straight else "green"):
            yield self.walker_rate, replace(state, far=True)
