"""Studies of the papers' claims, each run by one command."""

from surefoot.experiments.base import Experiment, Study, StudyConfig
from surefoot.experiments.registry import EXPERIMENTS, read_study

__all__ = ["EXPERIMENTS", "Experiment", "Study", "StudyConfig", "read_study"]
