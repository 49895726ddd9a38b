"""Studies of the papers' claims: a YAML file and a short module each, run by name."""

from surefoot.experiments.base import Experiment, Told
from surefoot.experiments.registry import get_experiment, list_experiments, read_study

__all__ = ["Experiment", "Told", "get_experiment", "list_experiments", "read_study"]
