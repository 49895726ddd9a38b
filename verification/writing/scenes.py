"""Vocabularies that written plans are about, with how their names are said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from surefoot.verification.planchecking.worldfile import load_world
from surefoot.verification.programs.vocabulary import PlanVocabulary, vocabulary_of
from surefoot.verification.rules import load_rulebook


@dataclass(frozen=True)
class PlanScene:
    """A vocabulary and how its names are said.

    Attributes:
        name: Name in tables.
        vocabulary: What the reader knows.
        idle: Action while a plan waits; None for none.
        things: Noun and plural of observations that something is there.
        states: Subject and predicate of observations that something is in a state.
        actions: Imperatives of actions, and their forms in '-ing'.
    """

    name: str
    vocabulary: PlanVocabulary
    idle: str | None
    things: Mapping[str, tuple[str, str]]
    states: Mapping[str, tuple[str, str]]
    actions: Mapping[str, tuple[tuple[str, str], ...]]


def plan_scenes() -> tuple[PlanScene, ...]:
    """Returns the vocabularies of written plans."""
    book = load_rulebook("driving")
    driving = PlanScene(
        "driving",
        vocabulary_of(book, load_world("driving", book).phrases),
        "stop",
        {
            "pedestrian": ("pedestrian", "pedestrians"),
            "opposite_car": ("oncoming car", "oncoming cars"),
            "stop_sign": ("stop sign", "stop signs"),
            "car_from_left": ("car from the left", "cars from the left"),
            "car_from_right": ("car from the right", "cars from the right"),
        },
        {
            "green_light": ("the traffic light", "green"),
            "green_left": ("the arrow", "green"),
        },
        {
            "stop": (("stop", "stopping"), ("come to a stop", "coming to a stop")),
            "turn_left": (("turn left", "turning left"),),
            "turn_right": (("turn right", "turning right"), ("turn to the right", "turning right")),
            "go_straight": (
                ("go straight", "going straight"),
                ("drive straight ahead", "driving straight ahead"),
            ),
        },
    )
    rooms = PlanScene(
        "rooms",
        PlanVocabulary(
            ("person", "box_on_shelf", "door_open", "kitchen_free", "battery_low"),
            ("go_from_hall_to_kitchen", "go_from_kitchen_to_hall", "pick_up_box", "beep", "wait"),
            {"person": ("people",), "box_on_shelf": ("boxes on the shelf",)},
        ),
        "wait",
        {
            "person": ("person", "people"),
            "box_on_shelf": ("box on the shelf", "boxes on the shelf"),
        },
        {
            "door_open": ("the door", "open"),
            "kitchen_free": ("the kitchen", "free"),
            "battery_low": ("the battery", "low"),
        },
        {
            "go_from_hall_to_kitchen": (
                ("go from the hall to the kitchen", "going from the hall to the kitchen"),
            ),
            "go_from_kitchen_to_hall": (
                ("go from the kitchen to the hall", "going from the kitchen to the hall"),
            ),
            "pick_up_box": (("pick up the box", "picking up the box"),),
            "beep": (("beep", "beeping"),),
        },
    )
    blocks = PlanScene(
        "blocks",
        PlanVocabulary(
            ("red_on_blue", "blue_on_red", "hand_empty", "person_near", "crack"),
            ("put_red_on_blue", "put_blue_on_red", "pick_up_red", "open_hand", "look_around"),
        ),
        None,
        {"crack": ("crack", "cracks")},
        {
            "red_on_blue": ("red", "on blue"),
            "blue_on_red": ("blue", "on red"),
            "hand_empty": ("the hand", "empty"),
        },
        {
            "put_red_on_blue": (("put red on blue", "putting red on blue"),),
            "put_blue_on_red": (("put blue on red", "putting blue on red"),),
            "pick_up_red": (("pick up red", "picking up red"),),
            "open_hand": (("open the hand", "opening the hand"),),
            "look_around": (("look around", "looking around"),),
        },
    )
    return (driving, rooms, blocks)
