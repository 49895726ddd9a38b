"""A domain on which readers are only measured, without a lexicon: rovers take samples."""

from __future__ import annotations

from random import Random

from surefoot.pddl.language import parse_plan, parse_task
from surefoot.pddl.language.model import Plan, Task

DOMAIN = """
(define (domain rovers)
  (:requirements :strips :typing)
  (:types rover store waypoint lander - object)
  (:predicates (at ?r - rover ?w - waypoint) (store-of ?s - store ?r - rover)
               (empty ?s - store) (full ?s - store) (can-travel ?a ?b - waypoint)
               (soil-at ?w - waypoint) (rock-at ?w - waypoint)
               (soil-analysed ?r - rover ?w - waypoint) (rock-analysed ?r - rover ?w - waypoint)
               (in-range ?w - waypoint ?l - lander)
               (soil-data-sent ?w - waypoint) (rock-data-sent ?w - waypoint))
  (:action navigate
    :parameters (?r - rover ?from ?to - waypoint)
    :precondition (and (at ?r ?from) (can-travel ?from ?to))
    :effect (and (at ?r ?to) (not (at ?r ?from))))
  (:action sample-soil
    :parameters (?r - rover ?s - store ?w - waypoint)
    :precondition (and (at ?r ?w) (store-of ?s ?r) (empty ?s) (soil-at ?w))
    :effect (and (full ?s) (soil-analysed ?r ?w) (not (empty ?s)) (not (soil-at ?w))))
  (:action sample-rock
    :parameters (?r - rover ?s - store ?w - waypoint)
    :precondition (and (at ?r ?w) (store-of ?s ?r) (empty ?s) (rock-at ?w))
    :effect (and (full ?s) (rock-analysed ?r ?w) (not (empty ?s)) (not (rock-at ?w))))
  (:action empty-store
    :parameters (?s - store ?r - rover)
    :precondition (and (store-of ?s ?r) (full ?s))
    :effect (and (empty ?s) (not (full ?s))))
  (:action send-soil-data
    :parameters (?r - rover ?l - lander ?about ?here - waypoint)
    :precondition (and (at ?r ?here) (soil-analysed ?r ?about) (in-range ?here ?l))
    :effect (soil-data-sent ?about))
  (:action send-rock-data
    :parameters (?r - rover ?l - lander ?about ?here - waypoint)
    :precondition (and (at ?r ?here) (rock-analysed ?r ?about) (in-range ?here ?l))
    :effect (rock-data-sent ?about)))
"""


def make_rovers(size: int, seed: int) -> tuple[Task, Plan]:
    """Draws a task with a plan: samples are taken and reported one after another.

    Args:
        size: Number of samples.
        seed: Any whole number.
    """
    rng = Random(f"rovers:{size}:{seed}")
    rovers = [f"rover{n}" for n in range(1, 3 if size > 2 else 2)]
    stores = {rover: f"store{n}" for n, rover in enumerate(rovers, start=1)}
    points = [f"waypoint{n}" for n in range(1, 4 + size // 2)]
    base = rng.choice(points)
    here = {rover: rng.choice(points) for rover in rovers}
    facts = [f"(can-travel {a} {b})" for a in points for b in points if a != b]
    facts.append(f"(in-range {base} lander1)")
    for rover in rovers:
        facts += [f"(at {rover} {here[rover]})", f"(store-of {stores[rover]} {rover})"]
        facts.append(f"(empty {stores[rover]})")
    goals: list[str] = []
    steps: list[str] = []
    full: set[str] = set()

    def travel(rover: str, to: str) -> None:
        if here[rover] != to:
            steps.append(f"(navigate {rover} {here[rover]} {to})")
            here[rover] = to

    samples = rng.sample([(kind, p) for kind in ("soil", "rock") for p in points], size)
    for kind, point in samples:
        rover = rng.choice(rovers)
        facts.append(f"({kind}-at {point})")
        if rover in full:
            steps.append(f"(empty-store {stores[rover]} {rover})")
        travel(rover, point)
        steps.append(f"(sample-{kind} {rover} {stores[rover]} {point})")
        full.add(rover)
        travel(rover, base)
        steps.append(f"(send-{kind}-data {rover} lander1 {point} {base})")
        goals.append(f"({kind}-data-sent {point})")
    problem = (
        f"(define (problem rovers-{size}-{seed}) (:domain rovers) (:objects "
        f"{' '.join(rovers)} - rover {' '.join(stores.values())} - store "
        f"{' '.join(points)} - waypoint lander1 - lander) "
        f"(:init {' '.join(facts)}) (:goal (and {' '.join(goals)})))"
    )
    task = parse_task(DOMAIN, problem)
    return Task(task.domain, task.problem, f"rovers-{size}-{seed}"), parse_plan("\n".join(steps))
