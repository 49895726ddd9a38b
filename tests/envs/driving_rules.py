"""The fifteen driving rules, judged by hand on finite traces; independent of the checker."""

from __future__ import annotations

from collections.abc import Callable, Sequence

Step = frozenset[str]


def broken_rules(trace: Sequence[Step]) -> set[str]:
    """Names of the rules of the driving rulebook that a trace breaks."""

    def later(start: int, holds: Callable[[Step], bool]) -> bool:
        return any(holds(step) for step in trace[start:])

    def stops(step: Step) -> bool:
        return "stop" in step

    def moves(step: Step) -> bool:
        return "stop" not in step

    bad: set[str] = set()
    for i, s in enumerate(trace):
        left, right = "car_from_left" in s, "car_from_right" in s
        ped, opposite, sign = "pedestrian" in s, "opposite_car" in s, "stop_sign" in s
        green, arrow = "green_light" in s, "green_left" in s
        turns_left, turns_right = "turn_left" in s, "turn_right" in s
        found = {
            "stop-for-pedestrian": ped and not later(i, stops),
            "no-left-into-oncoming": opposite and not arrow and turns_left,
            "straight-on-green-only": not green and "go_straight" in s,
            "stop-at-stop-sign": sign and not later(i, stops),
            "no-right-into-traffic": (left or ped) and turns_right,
            "always-some-action": not s & {"stop", "turn_left", "turn_right", "go_straight"},
            "stop-without-green": not green and not later(i, stops),
            "no-turn-before-left-car": left and (turns_left or turns_right),
            "go-on-green": green and not later(i, moves),
            "right-on-red-clear-left": turns_right and not green and left,
            "left-without-arrow-all-clear": turns_left
            and not arrow
            and (left or right or opposite),
            "go-after-stop-sign": sign and not left and not right and not later(i, moves),
            "no-straight-into-pedestrian": "go_straight" in s and ped,
            "right-at-stop-sign-clear-left": turns_right and sign and left,
        }
        bad |= {name for name, broken in found.items() if broken}
    shown = [i for i, s in enumerate(trace) if s & {"green_light", "green_left"}]
    at_some_time = len(shown) < len(trace) or any(later(i, moves) for i in shown)
    return bad | (set() if at_some_time else {"move-once-at-green"})
