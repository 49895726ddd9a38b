"""How attention learns that two tokens co-occur: training dynamics of word co-occurrence."""

from surefoot.sparsity.dynamics.data import Sequences, draw_sequences, read_sequences
from surefoot.sparsity.dynamics.model import Transformer, gradients, init_transformer
from surefoot.sparsity.dynamics.predictions import Check, check_predictions
from surefoot.sparsity.dynamics.training import Flow, FlowTrace, simulate

__all__ = [
    "Check",
    "Flow",
    "FlowTrace",
    "Sequences",
    "Transformer",
    "check_predictions",
    "draw_sequences",
    "gradients",
    "init_transformer",
    "read_sequences",
    "simulate",
]
