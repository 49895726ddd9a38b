"""All commands of ``surefoot train``."""

from __future__ import annotations

from surefoot.cli.train import train
from surefoot.cli.train_prior import train_prior
from surefoot.cli.train_restoring import train_restoring
from surefoot.cli.train_views import train_views

__all__ = ["train"]

train.command("prior")(train_prior)
train.command("restoring")(train_restoring)
train.command("views")(train_views)
