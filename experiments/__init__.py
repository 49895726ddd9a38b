"""The studies of the papers' claims, one command each."""

from surefoot.experiments.base import Experiment, Told
from surefoot.experiments.registry import EXPERIMENTS, read_study

__all__ = ["EXPERIMENTS", "Experiment", "Told", "read_study"]
