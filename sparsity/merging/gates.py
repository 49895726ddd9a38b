"""Fits the gates of a mixture from hidden states of example prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import torch

from surefoot.core.errors import InputError
from surefoot.sparsity.engine.skeleton import find_blocks
from surefoot.sparsity.merging.mixture import MixtureForCausalLM
from surefoot.sparsity.merging.routed import Pool, Route, pooled

GateKind = Literal["hidden", "contrast", "trained"]
"""Method of fitting gates; see :data:`GATES`."""

GATES: dict[GateKind, str] = {
    "hidden": "an expert's row is the direction of its prompts' mean state",
    "contrast": "the same, minus the mean of the other experts' prompts, with the boundary midway",
    "trained": "logistic regression of the expert on the states of prompts",
}
"""Description of each kind. ``hidden`` and ``contrast`` follow the released code of Model-GLUE and
mergekit; hidden states of all texts share one dominant direction, which ``contrast`` removes."""

_BATCH = 16
"""Prompts per forward pass."""

_STEPS = 200
"""Iteration limit of the logistic regression; twice the default of scikit-learn."""


def states_of(
    dense: Any, prompts: Sequence[Sequence[int]], places: Sequence[int], route: Route, pool: Pool
) -> list[torch.Tensor]:
    """Returns the hidden states that enter layers of a dense model.

    Args:
        dense: The model.
        prompts: Token ids.
        places: Indices of layers.
        route: ``sequence`` for one state per prompt, ``token`` for all tokens.
        pool: How the states of a prompt are pooled.

    Returns:
        float32 ``[prompts or tokens, width]`` for each layer.
    """
    found: list[list[torch.Tensor]] = [[] for _ in places]
    for start in range(0, len(prompts), _BATCH):
        part = prompts[start : start + _BATCH]
        width = max(map(len, part))
        ids = torch.zeros(len(part), width, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(part):
            ids[row, : len(prompt)] = torch.tensor(list(prompt))
            mask[row, : len(prompt)] = 1
        with torch.inference_mode():
            states = dense(
                input_ids=ids, attention_mask=mask, output_hidden_states=True, use_cache=False
            ).hidden_states
        for each, place in zip(found, places, strict=True):
            hidden = states[place].float()
            each.append(hidden[mask.bool()] if route == "token" else pooled(hidden, mask, pool))
    return [torch.cat(each).clone() for each in found]


def fit_gates(
    model: MixtureForCausalLM,
    dense: Any,
    prompts: Mapping[str, Sequence[Sequence[int]]],
    kind: GateKind = "contrast",
    seed: int = 0,
) -> list[float]:
    """Sets the gates of a mixture from example prompts of each expert.

    The states are those of a dense model, unaffected by experts.

    Args:
        model: The mixture, changed in place.
        dense: A model of the family, preferably the one whose layers the experts share.
        prompts: Token ids of prompts by name of the expert.
        kind: Method of fitting.
        seed: Seed of ``trained``.

    Returns:
        For each gate the fraction of prompts (or tokens) routed to their own expert.

    Raises:
        InputError: An expert has no prompts, or two have the same ones.
    """
    config = model.config
    names = list(config.experts)
    for name in names:
        if not prompts.get(name):
            raise InputError(
                f"the expert '{name}' has no example prompts, so it cannot be routed to"
            )
    seen: dict[tuple[tuple[int, ...], ...], str] = {}
    for name in names:
        key = tuple(sorted(tuple(p) for p in prompts[name]))
        if key in seen:
            raise InputError(
                f"'{seen[key]}' and '{name}' have the same prompts, so no gate can distinguish them"
            )
        seen[key] = name
    _, blocks = find_blocks(dense)
    behind = range(config.dense_layers, len(blocks))
    places = [config.dense_layers] if config.level == "model" else list(behind)
    each = {n: states_of(dense, prompts[n], places, config.route, config.pool) for n in names}
    shares = []
    gates: Any = model.gates
    for number, gate in enumerate(gates):
        states = [each[name][number] for name in names]
        weight, bias = _row(states, kind, seed)
        with torch.no_grad():
            gate.linear.weight.copy_(weight)
            gate.linear.bias.copy_(bias)
        right = [(s @ weight.T + bias).argmax(-1).eq(i).sum().item() for i, s in enumerate(states)]
        shares.append(sum(right) / sum(map(len, states)))
    return shares


def _row(
    states: Sequence[torch.Tensor], kind: GateKind, seed: int
) -> tuple[torch.Tensor, torch.Tensor]:
    """Returns weight ``[experts, width]`` and bias of a gate."""
    if kind == "trained":
        return _trained(states, seed)
    means = torch.stack([s.mean(0) for s in states])
    if kind == "hidden":
        return torch.nn.functional.normalize(means, dim=-1), torch.zeros(len(means))
    others = (means.sum(0) - means) / (len(means) - 1)
    weight = torch.nn.functional.normalize(means - others, dim=-1)
    return weight, -(weight * (means + others) / 2).sum(-1)


def _trained(states: Sequence[torch.Tensor], seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    inputs = torch.cat(list(states)).numpy()
    labels = [i for i, s in enumerate(states) for _ in s]
    scale = StandardScaler().fit(inputs)
    found = LogisticRegression(max_iter=_STEPS, random_state=seed)
    found.fit(scale.transform(inputs), labels)
    weight, bias = found.coef_, found.intercept_
    if len(weight) == 1:  # two experts: one row, for the second
        weight, bias = [[*(-weight[0] / 2)], [*(weight[0] / 2)]], [-bias[0] / 2, bias[0] / 2]
    folded = torch.tensor(weight) / torch.tensor(scale.scale_)
    shift = torch.tensor(bias) - folded @ torch.tensor(scale.mean_)
    return folded.float(), shift.float()
