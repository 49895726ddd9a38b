"""Episodes that looking or verifying saved, found in what the agent thought."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from surefoot.calibration.decisions.router import Route


def saved_by_looking(steps: Mapping[str, Any]) -> str:
    """Returns where another look turned a wrong belief into the right one before an action.

    Args:
        steps: What the agent thought in an episode that succeeded.

    Returns:
        One line; ``""`` if that never happened for a fact that mattered.
    """
    for decision in steps["moments"]:
        last = decision["thoughts"][-1] if decision["thoughts"] else None
        if last is None or last["route"] != Route.ACT.value:
            continue
        for thought in decision["thoughts"][:-1]:
            if thought["route"] != Route.LOOK.value:
                continue
            for fact in thought["matters"]:
                truth = decision["truth"].get(fact)
                if fact not in last["facts"] or truth is None:
                    continue
                before, after = _likeliest(thought, fact), _likeliest(last, fact)
                if before != truth == after:
                    return (
                        f"decision {decision['number']}: {fact} looked like '{before}', after "
                        f"another look like '{after}', which is true"
                    )
    return ""


def saved_by_verifier(steps: Mapping[str, Any]) -> str:
    """Returns where a plan that would have gone wrong was not carried out.

    Such a plan was bad in every world that was held possible, and what was relied on was true; it
    was sent back, or passed over for one that was good in all of them.

    Args:
        steps: What the agent thought in an episode that succeeded.

    Returns:
        One line; ``""`` if there was none.
    """
    for decision in steps["moments"]:
        for thought in decision["thoughts"]:
            over = thought.get("passed_over", ())
            if decision["covered"] is True and over:
                return (
                    f"decision {decision['number']}: the first plan was passed over, which breaks "
                    f"{', '.join(over)}"
                )
            sure = decision["covered"] is True and thought["worlds"] and not thought["good"]
            if thought["route"] == Route.REPAIR.value and sure and thought["broken"]:
                return (
                    f"decision {decision['number']}: a plan was sent back that breaks "
                    f"{', '.join(thought['broken'])}"
                )
    return ""


def _likeliest(thought: Mapping[str, Any], fact: str) -> str:
    chances: Mapping[str, float] = thought["facts"][fact]
    return max(chances, key=chances.__getitem__)
