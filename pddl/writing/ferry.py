"""A domain of the writer's own, without a lexicon: a ferry carries cars between ports."""

from __future__ import annotations

from random import Random

from surefoot.pddl.language import parse_plan, parse_task
from surefoot.pddl.language.model import Plan, Task

DOMAIN = """
(define (domain ferry)
  (:requirements :strips :typing)
  (:types port car - object)
  (:predicates (at-ferry ?p - port) (at ?c - car ?p - port) (on ?c - car) (deck-free))
  (:action sail
    :parameters (?from ?to - port)
    :precondition (at-ferry ?from)
    :effect (and (at-ferry ?to) (not (at-ferry ?from))))
  (:action board
    :parameters (?car - car ?port - port)
    :precondition (and (at ?car ?port) (at-ferry ?port) (deck-free))
    :effect (and (on ?car) (not (at ?car ?port)) (not (deck-free))))
  (:action debark
    :parameters (?car - car ?port - port)
    :precondition (and (on ?car) (at-ferry ?port))
    :effect (and (at ?car ?port) (deck-free) (not (on ?car)))))
"""


def make_ferry(size: int, seed: int) -> tuple[Task, Plan]:
    """Draws a task with a plan.

    Args:
        size: Number of cars.
        seed: Any whole number.
    """
    rng = Random(f"ferry:{size}:{seed}")
    ports = [f"port{n}" for n in range(1, 3 + size // 2)]
    cars = [f"car{n}" for n in range(1, size + 1)]
    here = rng.choice(ports)
    facts, goals, steps = [f"(at-ferry {here})", "(deck-free)"], [], []
    for car in cars:
        start, end = rng.sample(ports, 2)
        facts.append(f"(at {car} {start})")
        goals.append(f"(at {car} {end})")
        if here != start:
            steps.append(f"(sail {here} {start})")
        steps += [f"(board {car} {start})", f"(sail {start} {end})", f"(debark {car} {end})"]
        here = end
    problem = (
        f"(define (problem ferry-{size}-{seed}) (:domain ferry) "
        f"(:objects {' '.join(ports)} - port {' '.join(cars)} - car) "
        f"(:init {' '.join(facts)}) (:goal (and {' '.join(goals)})))"
    )
    task = parse_task(DOMAIN, problem)
    return Task(task.domain, task.problem, f"ferry-{size}-{seed}"), parse_plan("\n".join(steps))
