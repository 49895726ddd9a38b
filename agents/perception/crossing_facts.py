"""What a driver must know before each decision, as questions about an image.

The truth is that of :mod:`surefoot.envs.crossing.labels`. Much of it cannot be seen in every
view: a car from the left shows in the left view, and the light in the view ahead only.
"""

from __future__ import annotations

from surefoot.agents.perception.questions import NO, YES, YES_NO, Answers, FactQuestion
from surefoot.core.errors import InputError
from surefoot.envs.crossing.geometry import Turn
from surefoot.envs.crossing.labels import OBSERVATIONS, Situation, observe

LIGHT = "light"
"""The fact that the traffic light shows; it stands for two propositions of the rulebook."""

GREEN, ARROW, CLOSED, NO_LIGHT = "green light", "green arrow", "red or yellow", "no light"
LIGHTS = (GREEN, ARROW, CLOSED, NO_LIGHT)
"""What the light that counts may show."""

LOOKING = {"front": "Looking ahead", "left": "Looking left", "right": "Looking right"}
"""How a question names the view."""

_ASKED = {
    "opposite_car": "is a car coming from the other side?",
    "car_from_left": "is a car coming from the left?",
    "car_from_right": "is a car coming from the right?",
    "stop_sign": "is there a stop sign for us?",
}
_WAYS = {
    Turn.LEFT: "to turn left",
    Turn.RIGHT: "to turn right",
    Turn.STRAIGHT: "to go straight on",
}


def crossing_questions(view: str, turn: Turn, *, over_line: bool = False) -> list[FactQuestion]:
    """Returns the questions about an image taken from the vehicle.

    Args:
        view: The view: ``front``, ``left`` or ``right``.
        turn: The way that the vehicle is to take; people on that way count.
        over_line: Whether its front is over the stop line: then the light that counts is the one
            it entered by, which no image shows, and a stop sign no longer counts.

    Raises:
        InputError: There is no such view.
    """
    if view not in LOOKING:
        raise InputError(f"no view '{view}' to ask about; there are {', '.join(LOOKING)}")
    look = LOOKING[view]
    asked = [
        FactQuestion(LIGHT, f"{look}: what does our light show?", LIGHTS, LIGHT),
        FactQuestion(
            "pedestrian",
            f"{look}, {_WAYS[turn]}: is someone on or next to our way?",
            YES_NO,
            "pedestrian",
        ),
    ]
    asked += [FactQuestion(f, f"{look}: {text}", YES_NO, f) for f, text in _ASKED.items()]
    return [q for q in asked if q.fact not in (LIGHT, "stop_sign")] if over_line else asked


def crossing_truth(situation: Situation) -> dict[str, str]:
    """Returns the true option of every fact, from the simulator's state."""
    holds = dict(zip(OBSERVATIONS, observe(situation).tolist(), strict=True))
    truth = {f: YES if holds[f] else NO for f in ("pedestrian", *_ASKED)}
    if situation.lamp is None:
        truth[LIGHT] = NO_LIGHT
    elif holds["green_light"]:
        truth[LIGHT] = GREEN
    else:
        truth[LIGHT] = ARROW if holds["green_left"] else CLOSED
    return truth


def propositions_of(answers: Answers) -> frozenset[str]:
    """Returns which observations of the rulebook ``driving`` hold by these answers.

    Args:
        answers: An option for every fact that was asked; others count as not holding.

    Raises:
        InputError: A fact has an answer that is none of its options.
    """
    held: set[str] = set()
    for fact, answer in answers.items():
        options = LIGHTS if fact == LIGHT else YES_NO
        if answer not in options:
            raise InputError(f"'{answer}' is no answer to '{fact}'; there are {', '.join(options)}")
        if fact != LIGHT and answer == YES:
            held.add(fact)
    light = answers.get(LIGHT)
    held |= {"green_light"} if light == GREEN else {"green_left"} if light == ARROW else set()
    return frozenset(held)
