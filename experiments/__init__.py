"""The studies of the papers' claims, one command each."""

from surefoot.experiments.base import Experiment, Study, StudyConfig
from surefoot.experiments.registry import EXPERIMENTS, read_study

__all__ = ["EXPERIMENTS", "Experiment", "Study", "StudyConfig", "read_study"]
