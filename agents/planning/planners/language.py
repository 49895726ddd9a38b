"""Language models as planners of the agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from surefoot.agents.planning.base import PlanningContext, ProposedPlan
from surefoot.agents.planning.prompts import (
    NO,
    STYLE,
    YES,
    asked,
    full_messages,
    short_messages,
)
from surefoot.core.chat import Completion, Message, ReplyStatus, Request, Usage
from surefoot.core.errors import HarnessError
from surefoot.models.protocol import OptionScorer, TextModel

_WRITTEN = (ReplyStatus.ANSWERED, ReplyStatus.CUT)
"""Outcomes that come with a plan."""

PromptMaker = Callable[[PlanningContext], tuple[Message, ...]]


class LanguagePlanner:
    """Asks a language model for plans, and then how sure it is of each.

    Args:
        name: Its name.
        model: The model.
        max_tokens: Most tokens of a plan.
        temperature: 0 for the likeliest plan, which is then the same every time.
    """

    def __init__(
        self, name: str, model: TextModel, *, max_tokens: int = 1024, temperature: float = 1.0
    ) -> None:
        self.name = name
        self.model = model
        self._max_tokens = max_tokens
        self._temperature = temperature
        notes = getattr(model, "notes", None)
        self._prompt_of: PromptMaker = (
            short_messages if getattr(notes, "prompt_style", "") == STYLE else full_messages
        )

    def propose(self, context: PlanningContext, k: int, seed: int) -> list[ProposedPlan]:
        """Samples ``k`` plans and asks of each whether it is good.

        Raises:
            InputError: The context describes no scene, or the model cannot be loaded.
        """
        return self.propose_all([context], k, [seed])[0]

    def propose_all(
        self,
        contexts: Sequence[PlanningContext],
        k: int,
        seeds: Sequence[int],
        *,
        rate: bool = True,
    ) -> list[list[ProposedPlan]]:
        """The same for many scenes together, which is faster.

        Args:
            contexts: The scenes.
            k: Plans for each.
            seeds: One for each scene.
            rate: Ask of each plan whether it is good; else the confidence is 1.

        Raises:
            InputError: A context describes no scene, or the model cannot be loaded.
        """
        prompts = [self._prompt_of(context) for context in contexts]
        requests = [
            Request(messages, self._max_tokens, self._temperature, (seed << 12) + i)
            for messages, seed in zip(prompts, seeds, strict=True)
            for i in range(k)
        ]
        found = dict(self.model.generate(requests))
        made = [
            [self._candidate(found[row * k + i]) for i in range(k)] for row in range(len(contexts))
        ]
        if not rate:
            return made
        return [
            self._rated(context, candidates)
            for context, candidates in zip(contexts, made, strict=True)
        ]

    def _candidate(self, completion: Completion) -> ProposedPlan:
        return ProposedPlan(completion.text, 1.0, self.name, completion.status, completion.usage)

    def _rated(
        self, context: PlanningContext, candidates: list[ProposedPlan]
    ) -> list[ProposedPlan]:
        written = [c.text for c in candidates if c.status in _WRITTEN]
        texts = list(dict.fromkeys(written))
        sure = dict(zip(texts, self._ask(context, texts), strict=True))
        rated: list[ProposedPlan] = []
        for c in candidates:
            if c.status not in _WRITTEN:
                rated.append(replace(c, confidence=0.0))
                continue
            chance, usage = sure[c.text]
            sure[c.text] = chance, Usage(cost=0.0)  # the same text again was asked for once
            rated.append(replace(c, confidence=chance, usage=c.usage + usage))
        return rated

    def confidences(self, context: PlanningContext, texts: Sequence[str]) -> list[float]:
        """Returns how likely the model finds it that plans obey the rules and reach the goal.

        1 where the model gives no probabilities.

        Raises:
            InputError: The context describes no scene.
        """
        return [chance for chance, _ in self._ask(context, texts)]

    def _ask(self, context: PlanningContext, texts: Sequence[str]) -> list[tuple[float, Usage]]:
        if not isinstance(self.model, OptionScorer):
            return [(1.0, Usage())] * len(texts)
        prompts = self._prompt_of(context)
        found = []
        for text in texts:
            request = Request(asked(prompts, text), 4)
            try:
                scores = self.model.score(request, (YES, NO))
            except HarnessError:
                found.append((1.0, Usage()))
                continue
            found.append((scores.probabilities[0], scores.usage))
        return found
