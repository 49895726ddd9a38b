"""Speed of frames and of episodes, beside the same with the robot's stock visual meshes.

    python benchmarks/simulation.py [--rounds 5] [--episodes 40]

Frames: RGB, depth and segmentation of a tidying scene, front camera. Episodes: reset, pick a
block and place it, go home, with ten 224 px frames in between, on two processes. Light and
stock visuals take turns, so that what else runs on the machine hits both; medians are printed,
and processor time beside time by the clock.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import time
from collections.abc import Callable
from random import Random
from statistics import median
from typing import Any

from surefoot.envs.cameras.camera import Lens, render
from surefoot.envs.simulation import urdf
from surefoot.envs.simulation.client import Simulation, quiet
from surefoot.envs.tabletop import robot
from surefoot.envs.tabletop.env import FRONT
from surefoot.envs.tabletop.skills import Skills
from surefoot.envs.tabletop.tasks import make_tabletop
from surefoot.envs.tabletop.world import TabletopWorld
from surefoot.pddl.language import Atom, PlanStep

FRAMES = 10
"""Frames of an episode."""

GOALS = {64: 2.0, 224: 16.0}
"""Wanted milliseconds of a frame, by its size in pixels."""


def load_stock(api: Any, name: str, **options: Any) -> int:
    """Loads a robot with the visual meshes that it comes with: the peer."""
    with quiet():
        return int(api.loadURDF(str(urdf.data_folder() / name), **options))


def choose(visuals: str) -> None:
    """Sets which visuals robots are loaded with in this process."""
    robot.load_light = load_stock if visuals == "stock" else urdf.load_light


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """Returns milliseconds by the clock and of the processor."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return 1e3 * (time.perf_counter() - wall), 1e3 * (time.process_time() - cpu)


def frames(rounds: int) -> dict[tuple[str, int], tuple[float, float]]:
    """Returns median milliseconds (clock, processor) of a frame by visuals and size."""
    scene = make_tabletop("tidy", "medium", 0).scene
    found: dict[tuple[str, int], list[tuple[float, float]]] = {}
    worlds = {}
    for visuals in ("light", "stock"):
        choose(visuals)
        worlds[visuals] = TabletopWorld(Simulation(), scene)
    for _ in range(rounds):
        for size in GOALS:
            for visuals, world in worlds.items():
                api, lens = world.simulation.api, Lens(size, size)
                for _ in range(12):
                    spent = timed(lambda api=api, lens=lens: render(api, FRONT, lens))
                    found.setdefault((visuals, size), []).append(spent)
    for world in worlds.values():
        world.simulation.close()
    return {
        key: (median(w for w, _ in spent), median(c for _, c in spent))
        for key, spent in found.items()
    }


def episode(seed: int) -> bool:
    """Picks a block of a drawn scene, places it into its bin, goes home; takes ten frames."""
    instance = make_tabletop("tidy", "easy", seed)
    with Simulation() as simulation:
        world = TabletopWorld(simulation, instance.scene, seed=seed)
        skills = Skills(world, instance.task, seed)
        block = Random(f"{seed}:benchmark").choice(world.scene.blocks)
        goal = f"{block.color}-bin"
        done = []
        for i in range(FRAMES):
            render(simulation.api, FRONT, Lens(), simulation.time)
            if i == 2:
                done.append(skills.run(PlanStep("pick", (block.name, "the-table"))).done)
            if i == 5:
                done.append(skills.run(PlanStep("put-in", (block.name, goal))).done)
            if i == 8:
                done.append(skills.home().done)
        return all(done) and Atom("in", (block.name, goal)) in skills.facts()


def episodes(count: int, rounds: int) -> dict[str, tuple[float, float, int]]:
    """Returns by visuals: episodes a minute, the same by processor time, successes."""
    context = multiprocessing.get_context("spawn")
    speeds: dict[str, list[tuple[float, float]]] = {"light": [], "stock": []}
    good = dict.fromkeys(speeds, 0)
    pools = {v: context.Pool(2, choose, (v,)) for v in speeds}
    for pool in pools.values():
        pool.map(episode, range(2), chunksize=1)  # imports are no part of an episode
    for r in range(rounds):
        seeds = range(r * count, (r + 1) * count)
        for visuals, pool in pools.items():
            start = time.perf_counter()
            results = pool.map(costed, seeds, chunksize=1)
            wall = time.perf_counter() - start
            cpu = sum(seconds for _, seconds in results)
            good[visuals] += sum(ok for ok, _ in results)
            speeds[visuals].append((60 * count / wall, 2 * 60 * count / cpu))
    for pool in pools.values():
        pool.terminate()
    return {
        v: (median(w for w, _ in found), median(c for _, c in found), good[v])
        for v, found in speeds.items()
    }


def costed(seed: int) -> tuple[bool, float]:
    """Runs an episode and returns its success and its processor seconds."""
    start = time.process_time()
    return episode(seed), time.process_time() - start


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--episodes", type=int, default=40, help="episodes a round")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    load = os.getloadavg()[0]
    print(f"{'what':34} {'light':>9} {'(cpu)':>9} {'stock':>9} {'(cpu)':>9} {'ratio':>7}  goal")
    measured = frames(given.rounds)
    for size, goal in GOALS.items():
        (a, b), (c, d) = measured["light", size], measured["stock", size]
        print(
            f"{f'frame of {size} px, ms':34} {a:9.1f} {b:9.1f} {c:9.1f} {d:9.1f} {d / b:6.1f}x"
            f"  <= {goal:g}"
        )
    rates = episodes(given.episodes, given.rounds)
    (a, b, good), (c, d, _) = rates["light"], rates["stock"]
    print(
        f"{'episodes a minute, 2 processes':34} {a:9.0f} {b:9.0f} {c:9.0f} {d:9.0f} {b / d:6.1f}x"
        "  >= 240"
    )
    n = given.episodes * given.rounds
    print(f"\n{good} of {n} episodes succeed. Load of the machine before: {load:.1f}; ratios are")
    print("of processor time. (cpu): what an idle machine would need by the clock, or do a minute.")


if __name__ == "__main__":
    main()
