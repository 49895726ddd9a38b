"""The commands by name: where each is, and what it says of itself; nothing is imported for it.

``surefoot --help`` is printed from this table, so that it costs no more than reading it; a test
compares the lines with the commands' own.
"""

from __future__ import annotations

from typing import NamedTuple


class CommandEntry(NamedTuple):
    """A command, or a group of commands.

    Attributes:
        name: Its name.
        place: ``module:name`` of the function, or of the group.
        help: One line on it.
    """

    name: str
    place: str
    help: str


PANELS: dict[str, tuple[CommandEntry, ...]] = {
    "Evaluate planners": (
        CommandEntry("bench", "bench:bench", "Benchmark planners on PDDL domains."),
        CommandEntry("grade", "grade:grade", "Grade recorded answers; no model is the judge."),
        CommandEntry("validate", "validate:validate", "Check a plan file against its task."),
        CommandEntry("report", "report:report", "Compare the contestants of several runs."),
    ),
    "Run robots": (
        CommandEntry("run", "run:run_episodes", "Run simulated robot episodes."),
        CommandEntry("sense", "sense:sense", "Compare ways of looking again, by budget."),
        CommandEntry("replay", "replay:replay", "Show an agent's episode as one page."),
    ),
    "Assure": (
        CommandEntry(
            "calibrate", "calibrate_agent:calibrating", "Sets and thresholds with a guarantee."
        ),
        CommandEntry("verify", "verify:verify", "Check a plan against temporal-logic rules."),
    ),
    "Local models": (
        CommandEntry(
            "compress", "compress:compress", "Prune, factor, recover or quantize a model."
        ),
        CommandEntry("merge", "merge:merge", "Merge models, or search for the best merge."),
        CommandEntry("mix", "mix:mix", "Make a mixture of models with gates."),
        CommandEntry("refactor", "refactor:refactor", "Split a dense model into experts."),
        CommandEntry("serve", "serve:serve", "Serve a local model behind OpenAI's interface."),
        CommandEntry("train", "training:train", "Train the project's own small models."),
    ),
    "Lab": (
        CommandEntry("experiment", "experiment:experiment", "Run a study of a paper's claim."),
        CommandEntry("diagnose", "diagnose:diagnosing", "Look into a model's layers."),
        CommandEntry("restore", "restore:restore", "Restore an image with an untrained network."),
    ),
    "Set up": (
        CommandEntry(
            "demo", "demo:demo", "Run eight episodes of the agent, or grade a small suite."
        ),
        CommandEntry(
            "doctor", "doctor:doctor", "Try what is installed; say how to install the rest."
        ),
        CommandEntry("list", "listing:list_known", "List what there is by name."),
    ),
}
"""The commands by panel of the help."""

COMMANDS = {entry.name: entry for entries in PANELS.values() for entry in entries}
"""The commands by name."""

ABOUT = "Robot planners that know where they are uncertain."
"""What Surefoot is, in one line."""


def help_text() -> str:
    """Returns the text of ``surefoot --help``."""
    width = max(map(len, COMMANDS)) + 2
    lines = ["", "Usage: surefoot [OPTIONS] COMMAND [ARGS]...", "", ABOUT]
    for panel, entries in PANELS.items():
        lines += ["", f"{panel}:"]
        lines += [f"  {entry.name:{width}}{entry.help}" for entry in entries]
    lines += [
        "",
        "Options:",
        f"  {'--version':{width}}Print the version.",
        f"  {'--help':{width}}Print this text; 'surefoot COMMAND --help' tells more.",
        f"  {'--install-completion':{width}}  Have the shell complete commands and options.",
        f"  {'--show-completion':{width}}  Print the script that does so.",
        "",
    ]
    return "\n".join(lines)
