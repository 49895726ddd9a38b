r"""One layer of attention followed by a linear perceptron, with its gradients in closed form.

.. math:: F(X) = \sum_l a^T W W_V X \operatorname{softmax}(X^T W_K^T W_Q x_l / \sqrt m)

(the model of the paper on word co-occurrence). Words are one-hot, so that a matrix product with an
embedding is a column; what a word adds to the output is the number :math:`G(\mu) = a^T W W_V \mu`.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.special import expit, softmax

from surefoot.core.errors import InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from surefoot.sparsity.dynamics.data import Sequences

    Array = NDArray[np.float64]


@dataclass(frozen=True)
class Transformer:
    """Parameters in float64; also used for tensors of the same shapes, such as a gradient.

    Attributes:
        a: Signs of the last layer ``[m1]``, which are not trained.
        w: ``[m1, m]``.
        value: W_V ``[m, d]``.
        key: W_K ``[m, d]``.
        query: W_Q ``[m, d]``.
    """

    a: Array
    w: Array
    value: Array
    key: Array
    query: Array

    @property
    def width(self) -> int:
        """The dimension m of keys, queries and values."""
        return int(self.key.shape[0])

    def contributions(self) -> Array:
        """Returns G of every word ``[d]``."""
        found: Array = (self.a @ self.w) @ self.value
        return found

    def scores(self) -> Array:
        """Returns the attention scores ``[d, d]`` of each key (row) for each query (column)."""
        found: Array = self.key.T @ self.query / np.sqrt(self.width)
        return found

    def output(self, data: Sequences) -> Array:
        """Returns F of every sequence ``[n]``."""
        found: Array = (_attention(self, data) * self.contributions()[data.ids][:, :, None]).sum(
            (1, 2)
        )
        return found

    def moved(self, rate: float, gradient: Transformer) -> Transformer:
        """Returns the parameters after one step of gradient descent."""
        learned = {
            f.name: getattr(self, f.name) - rate * getattr(gradient, f.name)
            for f in fields(self)
            if f.name != "a"
        }
        return replace(self, **learned)


def init_transformer(
    words: int, width: int, hidden: int, inner_scale: float, outer_scale: float, seed: int
) -> Transformer:
    """Draws normally distributed parameters and random signs.

    Args:
        words: Size d of the vocabulary.
        width: m.
        hidden: m1.
        inner_scale: Standard deviation of W_V, W_K and W_Q, the paper's sigma 0.
        outer_scale: Standard deviation of W, the paper's sigma 1.
        seed: Seed.
    """
    rng = np.random.default_rng([seed, 1])
    a = np.where(np.arange(hidden) % 2, -1.0, 1.0)
    inner = [rng.normal(0, inner_scale, (width, words)) for _ in range(3)]
    return Transformer(rng.permutation(a), rng.normal(0, outer_scale, (hidden, width)), *inner)


def _attention(model: Transformer, data: Sequences) -> Array:
    """Returns attention weights ``[n, L, L]`` of keys (second axis) for queries (last axis)."""
    chosen = model.scores()[data.ids[:, :, None], data.ids[:, None, :]]
    found: Array = softmax(chosen, axis=1)
    return found


def losses_of(output: Array, labels: Array) -> Array:
    """Returns the logistic loss of every sequence ``[n]``."""
    found: Array = np.logaddexp(0.0, -labels * output)
    return found


def pulls(output: Array, labels: Array) -> Array:
    """Returns g, minus the derivative of every sequence's loss by its margin, in (0, 1)."""
    found: Array = expit(-labels * output)
    return found


def gradients(
    model: Transformer, data: Sequences, *, frozen: bool = False
) -> tuple[Transformer, Array]:
    """Returns the gradient of the mean loss, and the output of every sequence.

    Args:
        model: The parameters.
        data: The sequences.
        frozen: Whether keys and queries are frozen.

    Raises:
        InputError: The output is not finite.
    """
    n = len(data.labels)
    weights, g = _attention(model, data), model.contributions()
    own = g[data.ids]
    output = (weights * own[:, :, None]).sum((1, 2))
    if not np.isfinite(output).all():
        raise InputError("the output is not finite; use a smaller rate or smaller weights")
    slope = -data.labels * pulls(output, data.labels) / n
    by_word = np.bincount(
        data.ids.ravel(), (slope[:, None] * weights.sum(2)).ravel(), minlength=data.words
    )
    key, query = np.zeros_like(model.key), np.zeros_like(model.query)
    if not frozen:
        mean = (weights * own[:, :, None]).sum(1, keepdims=True)
        by_score = slope[:, None, None] * weights * (own[:, :, None] - mean)
        table = np.zeros((data.words, data.words))
        np.add.at(table, (data.ids[:, :, None], data.ids[:, None, :]), by_score)
        root = np.sqrt(model.width)
        key, query = model.query @ table.T / root, model.key @ table / root
    return (
        Transformer(
            np.zeros_like(model.a),
            np.outer(model.a, model.value @ by_word),
            np.outer(model.a @ model.w, by_word),
            key,
            query,
        ),
        output,
    )


CONSERVED: dict[str, Callable[[Transformer], Array]] = {
    "value": lambda m: m.w.T @ m.w - m.value @ m.value.T,
    "attention": lambda m: m.key @ m.key.T - m.query @ m.query.T,
}
"""Matrices that gradient flow conserves (its first integrals); with finite steps they drift in
proportion to the rate."""
