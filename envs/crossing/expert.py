"""A driver that sees the true state, obeys the driving rules and reaches the goal."""

from __future__ import annotations

from surefoot.envs.crossing.cars import LENGTH
from surefoot.envs.crossing.geometry import LANE, Approach, Turn, conflicting, seen_from
from surefoot.envs.crossing.labels import Situation, comes, coming, observe
from surefoot.envs.crossing.signals import Lamp
from surefoot.envs.crossing.skills import CrossingAction
from surefoot.envs.crossing.vehicle import FRONT, WIDTH
from surefoot.envs.crossing.world import CrossingWorld

ENTRY_SECONDS = 1.5
"""The light must stay open for at least these seconds for the vehicle to enter."""

_MOVES = {
    Turn.LEFT: CrossingAction.LEFT,
    Turn.RIGHT: CrossingAction.RIGHT,
    Turn.STRAIGHT: CrossingAction.STRAIGHT,
}


def drive(world: CrossingWorld) -> CrossingAction:
    """Returns the next action; a function of the current state alone."""
    if world.past():
        return CrossingAction.STOP
    if not world.over_line():
        return _MOVES[world.scene.turn] if may_go(world) else CrossingAction.STOP
    if blocked(world):
        return CrossingAction.STOP
    return _MOVES[world.turn]


def may_go(world: CrossingWorld) -> bool:
    """Returns whether the rules and other cars allow the vehicle to enter the crossing now."""
    if not world.log.rows:
        return False  # a full stop first
    turn = world.scene.turn
    situation = world.situation()
    if observe(situation)[0] or not _rules_allow(world, situation):
        return False
    for car, view in zip(world.cars.cars, situation.cars, strict=True):
        gate = car.gate_at(world.scene.crossing)
        if gate is None or view.arm is None or not comes(view, situation.crossing):
            continue
        side = seen_from(world.scene.arm, view.arm)
        if conflicting(turn, side, gate.turn):
            return False
    return not _lane_is_full(world)


def _rules_allow(world: CrossingWorld, situation: Situation) -> bool:
    turn, roads = world.scene.turn, coming(situation)
    if turn is Turn.RIGHT:
        return Approach.LEFT not in roads
    signal = situation.crossing.signal
    if signal is not None:
        left = signal.seconds_left(world.scene.arm, turn, world.cars.time)
        if left < ENTRY_SECONDS:
            return False
        if turn is Turn.LEFT and situation.lamp is Lamp.ARROW:
            still = signal.seconds_left(world.scene.arm, turn, world.cars.time + ENTRY_SECONDS)
            assert still > 0
            return Approach.LEFT not in roads
    if turn is Turn.LEFT:
        return not roads & {Approach.LEFT, Approach.RIGHT, Approach.OPPOSITE}
    return not roads & {Approach.LEFT, Approach.RIGHT}


def _lane_is_full(world: CrossingWorld) -> bool:
    """Returns whether a car stands where the vehicle has to stop."""
    for car in world.cars.cars:
        pose = car.pose
        for d in (0.2, 0.6, 1.0, 1.4, 1.8):
            spot = world.path.at(world.leave + d)
            if spot.distance(pose.x, pose.y) < 0.45 and car.speed < 0.5:
                return True
    return False


def blocked(world: CrossingWorld) -> bool:
    """Returns whether a car or a person is on the path within half a metre of the front."""
    place = world.place() + FRONT
    spots = [world.path.at(place + 0.1 * i) for i in range(8)]
    things = [(c.pose, LENGTH / 2) for c in world.cars.cars]
    things += [(world.people.pose(w), 0.1) for w in world.people.walkers if w.on_road]
    side = WIDTH / 2 + 0.12
    return any(
        spot.distance(p.x, p.y) < max(side + 0.05, LANE / 2 * 0.9)
        for p, _ in things
        for spot in spots
    )
