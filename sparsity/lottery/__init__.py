"""Lottery tickets: prune, rewind, train again; with their controls."""

from __future__ import annotations

from typing import TYPE_CHECKING

from surefoot.core.lazy import lazily

if TYPE_CHECKING:
    from surefoot.sparsity.lottery.criteria import matched_masks, prune_masks, snip_masks
    from surefoot.sparsity.lottery.imp import Rounds, Ticket, find_tickets
    from surefoot.sparsity.lottery.masks import Masks

_PLACES = {
    "Masks": "masks",
    "Rounds": "imp",
    "Ticket": "imp",
    "find_tickets": "imp",
    "matched_masks": "criteria",
    "prune_masks": "criteria",
    "snip_masks": "criteria",
}
"""The module of each public name; loaded when the name is first used."""

__all__ = [
    "Masks",
    "Rounds",
    "Ticket",
    "find_tickets",
    "matched_masks",
    "prune_masks",
    "snip_masks",
]

__getattr__ = lazily(__name__, _PLACES)
