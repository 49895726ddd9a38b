"""A domain for validation, without a lexicon: trucks and airplanes."""

from __future__ import annotations

from random import Random

from surefoot.pddl.language import parse_plan, parse_task
from surefoot.pddl.language.model import Plan, Task

DOMAIN = """
(define (domain freight)
  (:requirements :strips :typing)
  (:types vehicle parcel location city - object
          truck airplane - vehicle
          airport - location)
  (:predicates (at ?x - object ?l - location) (in ?p - parcel ?v - vehicle)
               (in-city ?l - location ?c - city))
  (:action load-truck
    :parameters (?p - parcel ?truck - truck ?loc - location)
    :precondition (and (at ?truck ?loc) (at ?p ?loc))
    :effect (and (in ?p ?truck) (not (at ?p ?loc))))
  (:action unload-truck
    :parameters (?p - parcel ?truck - truck ?loc - location)
    :precondition (and (at ?truck ?loc) (in ?p ?truck))
    :effect (and (at ?p ?loc) (not (in ?p ?truck))))
  (:action load-airplane
    :parameters (?p - parcel ?plane - airplane ?loc - airport)
    :precondition (and (at ?p ?loc) (at ?plane ?loc))
    :effect (and (in ?p ?plane) (not (at ?p ?loc))))
  (:action unload-airplane
    :parameters (?p - parcel ?plane - airplane ?loc - airport)
    :precondition (and (in ?p ?plane) (at ?plane ?loc))
    :effect (and (at ?p ?loc) (not (in ?p ?plane))))
  (:action drive-truck
    :parameters (?truck - truck ?from ?to - location ?city - city)
    :precondition (and (at ?truck ?from) (in-city ?from ?city) (in-city ?to ?city))
    :effect (and (at ?truck ?to) (not (at ?truck ?from))))
  (:action fly-airplane
    :parameters (?plane - airplane ?from ?to - airport)
    :precondition (at ?plane ?from)
    :effect (and (at ?plane ?to) (not (at ?plane ?from)))))
"""


def make_freight(size: int, seed: int) -> tuple[Task, Plan]:
    """Draws a task with a plan: every parcel goes from an office by truck, air and truck.

    Args:
        size: Number of parcels.
        seed: Any whole number.
    """
    rng = Random(f"freight:{size}:{seed}")
    cities = [1, 2]
    facts, goals, steps = ["(at plane1 airport1)"], [], []
    for c in cities:
        facts += [f"(at truck{c} airport{c})", f"(in-city airport{c} city{c})"]
        facts.append(f"(in-city office{c} city{c})")
    plane = 1
    for n in range(1, size + 1):
        a, b = rng.sample(cities, 2)
        facts.append(f"(at parcel{n} office{a})")
        goals.append(f"(at parcel{n} office{b})")
        steps.append(f"(drive-truck truck{a} airport{a} office{a} city{a})")
        steps.append(f"(load-truck parcel{n} truck{a} office{a})")
        steps.append(f"(drive-truck truck{a} office{a} airport{a} city{a})")
        steps.append(f"(unload-truck parcel{n} truck{a} airport{a})")
        if plane != a:
            steps.append(f"(fly-airplane plane1 airport{plane} airport{a})")
        steps.append(f"(load-airplane parcel{n} plane1 airport{a})")
        steps.append(f"(fly-airplane plane1 airport{a} airport{b})")
        steps.append(f"(unload-airplane parcel{n} plane1 airport{b})")
        steps.append(f"(load-truck parcel{n} truck{b} airport{b})")
        steps.append(f"(drive-truck truck{b} airport{b} office{b} city{b})")
        steps.append(f"(unload-truck parcel{n} truck{b} office{b})")
        if n < size:
            steps.append(f"(drive-truck truck{b} office{b} airport{b} city{b})")
        plane = b
    names = " ".join(f"parcel{n}" for n in range(1, size + 1))
    problem = (
        f"(define (problem freight-{size}-{seed}) (:domain freight) (:objects {names} - parcel "
        "truck1 truck2 - truck plane1 - airplane airport1 airport2 - airport "
        "office1 office2 - location city1 city2 - city) "
        f"(:init {' '.join(facts)}) (:goal (and {' '.join(goals)})))"
    )
    task = parse_task(DOMAIN, problem)
    return Task(task.domain, task.problem, f"freight-{size}-{seed}"), parse_plan("\n".join(steps))
