"""Studies of the papers' claims, each run by one command."""

from surefoot.experiments.base import Experiment, ExperimentConfig, Study
from surefoot.experiments.registry import EXPERIMENTS, read_study

__all__ = ["EXPERIMENTS", "Experiment", "ExperimentConfig", "Study", "read_study"]
