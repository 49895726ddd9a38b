"""All bodies of a street in a simulation.

They are created anew for every episode: bodies that are moved back to their start, even by a saved
state, continue with slightly different numbers than new ones.
"""

from __future__ import annotations

from random import Random

from surefoot.envs.crossing.bodies import make_car, make_person, put, put_away
from surefoot.envs.crossing.cars import Cars
from surefoot.envs.crossing.people import People
from surefoot.envs.crossing.roads import StreetBodies
from surefoot.envs.crossing.scenery import make_scenery
from surefoot.envs.crossing.street import Street
from surefoot.envs.crossing.vehicle import Vehicle
from surefoot.envs.simulation.client import Simulation

CAR_SLOTS, PEOPLE_SLOTS = 12, 8
"""Largest number of other cars and of people at the same time."""


class StreetSimulation:
    """A simulation with all bodies of a street.

    Attributes:
        simulation: The simulation.
        street: Bodies of the streets.
        cars: Bodies of the other cars, by slot.
        people: Bodies of the people, by slot.
        vehicle: The vehicle.
    """

    def __init__(self, simulation: Simulation, street: Street, rng: Random) -> None:
        """Empties the simulation and creates the bodies.

        Args:
            simulation: The simulation.
            street: The street.
            rng: Draws houses and trees.
        """
        simulation.reset()
        api = simulation.api
        self.simulation = simulation
        self.street = StreetBodies(api, street)
        make_scenery(api, street, rng)
        self.cars = [make_car(api, i) for i in range(CAR_SLOTS)]
        self.people = [make_person(api, i) for i in range(PEOPLE_SLOTS)]
        self.vehicle = Vehicle(simulation)
        self._things: dict[int, tuple[str, int]] = {}
        for what, bodies in (
            ("car", self.cars),
            ("person", self.people),
            ("pole", self.street.furniture),
        ):
            self._things |= {body: (what, i) for i, body in enumerate(bodies)}

    def place(self, cars: Cars, people: People) -> None:
        """Moves the bodies of cars and people to where their models are."""
        api = self.simulation.api
        drivers = {c.slot: c.pose for c in cars.cars}
        walkers = {w.slot: people.pose(w) for w in people.walkers}
        for poses, bodies, first in ((drivers, self.cars, 0), (walkers, self.people, 50)):
            for slot, body in enumerate(bodies):
                if slot in poses:
                    put(api, body, poses[slot])
                else:
                    put_away(api, body, first + slot)

    def touched(self) -> tuple[str, int] | None:
        """Returns kind and number of what the vehicle touches other than the ground."""
        for contact in self.simulation.api.getContactPoints(bodyA=self.vehicle.body):
            hit = self._things.get(contact[2])
            if hit is not None and contact[8] <= 0:
                return hit
        return None
