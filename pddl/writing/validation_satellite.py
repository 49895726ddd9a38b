"""A domain for validation, without a lexicon: satellites take images."""

from __future__ import annotations

from random import Random

from surefoot.pddl.language import parse_plan, parse_task
from surefoot.pddl.language.model import Plan, Task

DOMAIN = """
(define (domain satellite)
  (:requirements :strips :typing)
  (:types craft direction instrument mode - object)
  (:predicates (on-board ?i - instrument ?s - craft) (supports ?i - instrument ?m - mode)
               (pointing ?s - craft ?d - direction) (power-avail ?s - craft)
               (power-on ?i - instrument) (calibrated ?i - instrument)
               (have-image ?d - direction ?m - mode)
               (calibration-target ?i - instrument ?d - direction))
  (:action turn-to
    :parameters (?s - craft ?new ?old - direction)
    :precondition (pointing ?s ?old)
    :effect (and (pointing ?s ?new) (not (pointing ?s ?old))))
  (:action switch-on
    :parameters (?i - instrument ?s - craft)
    :precondition (and (on-board ?i ?s) (power-avail ?s))
    :effect (and (power-on ?i) (not (calibrated ?i)) (not (power-avail ?s))))
  (:action switch-off
    :parameters (?i - instrument ?s - craft)
    :precondition (and (on-board ?i ?s) (power-on ?i))
    :effect (and (not (power-on ?i)) (power-avail ?s)))
  (:action calibrate
    :parameters (?s - craft ?i - instrument ?d - direction)
    :precondition (and (on-board ?i ?s) (calibration-target ?i ?d) (pointing ?s ?d) (power-on ?i))
    :effect (calibrated ?i))
  (:action take-image
    :parameters (?s - craft ?d - direction ?i - instrument ?m - mode)
    :precondition (and (calibrated ?i) (on-board ?i ?s) (supports ?i ?m) (power-on ?i)
                       (pointing ?s ?d))
    :effect (have-image ?d ?m)))
"""
_MODES = ("infrared", "spectrograph")


def make_satellite(size: int, seed: int) -> tuple[Task, Plan]:
    """Draws a task with a plan: images are taken one after another.

    Args:
        size: Number of images.
        seed: Any whole number.
    """
    rng = Random(f"satellite:{size}:{seed}")
    crafts = [f"satellite{n}" for n in range(1, 3 if size > 2 else 2)]
    stars = [f"star{n}" for n in range(1, 4)]
    targets = [f"planet{n}" for n in range(1, size + 1)]
    facts, goals, steps = [], [], []
    looks: dict[str, str] = {}
    base: dict[str, str] = {}
    active: dict[str, str] = {}
    instruments: list[str] = []
    for n, craft in enumerate(crafts):
        looks[craft] = rng.choice([*stars, *targets])
        facts += [f"(pointing {craft} {looks[craft]})", f"(power-avail {craft})"]
        for k, mode in enumerate(_MODES, start=1):
            tool = f"instrument{2 * n + k}"
            instruments.append(tool)
            base[tool] = rng.choice(stars)
            facts += [f"(on-board {tool} {craft})", f"(supports {tool} {mode})"]
            facts.append(f"(calibration-target {tool} {base[tool]})")

    def turn(craft: str, to: str) -> None:
        if looks[craft] != to:
            steps.append(f"(turn-to {craft} {to} {looks[craft]})")
            looks[craft] = to

    for target in targets:
        at, k = rng.randrange(len(crafts)), rng.randrange(len(_MODES))
        craft, tool = crafts[at], instruments[2 * at + k]
        if active.get(craft) != tool:
            if craft in active:
                steps.append(f"(switch-off {active[craft]} {craft})")
            steps.append(f"(switch-on {tool} {craft})")
            turn(craft, base[tool])
            steps.append(f"(calibrate {craft} {tool} {base[tool]})")
            active[craft] = tool
        turn(craft, target)
        steps.append(f"(take-image {craft} {target} {tool} {_MODES[k]})")
        goals.append(f"(have-image {target} {_MODES[k]})")
    problem = (
        f"(define (problem satellite-{size}-{seed}) (:domain satellite) (:objects "
        f"{' '.join(crafts)} - craft {' '.join([*stars, *targets])} - direction "
        f"{' '.join(instruments)} - instrument {' '.join(_MODES)} - mode) "
        f"(:init {' '.join(facts)}) (:goal (and {' '.join(goals)})))"
    )
    task = parse_task(DOMAIN, problem)
    named = Task(task.domain, task.problem, f"satellite-{size}-{seed}")
    return named, parse_plan("\n".join(steps))
