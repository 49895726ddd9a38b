"""Language models as planners of the agent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from surefoot.agents.planning.base import PlanningContext, ProposedPlan
from surefoot.agents.planning.prompts import (
    NO,
    OPEN_QUESTION,
    STYLE,
    YES,
    asked,
    full_messages,
    short_messages,
)
from surefoot.core.chat import (
    Completion,
    Message,
    OptionRequest,
    OptionScores,
    ReplyStatus,
    Request,
    UnlistedQuestion,
    Usage,
)
from surefoot.core.errors import HarnessError
from surefoot.models.choosing import choose
from surefoot.models.options import ModelOptions
from surefoot.models.protocol import TextModel

_WRITTEN = (ReplyStatus.ANSWERED, ReplyStatus.CUT)
"""Outcomes that come with a plan."""

PromptMaker = Callable[[PlanningContext], tuple[Message, ...]]


class LanguagePlanner:
    """Asks a language model for plans, and then how sure it is of each.

    Args:
        name: Its name.
        model: The model.
        max_tokens: Most tokens of a plan.
        temperature: 0 for the likeliest plan, which is then the same every time; ``None`` for
            the model's own.
        options: Settings of how its confidence is found.
    """

    def __init__(
        self,
        name: str,
        model: TextModel,
        *,
        max_tokens: int = 1024,
        temperature: float | None = 1.0,
        options: ModelOptions | None = None,
    ) -> None:
        self.name = name
        self.model = model
        self._max_tokens = max_tokens
        self._temperature = temperature
        self._options = options or ModelOptions()
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
            scores = sure[c.text]
            # the same text again was asked for once
            sure[c.text] = replace(scores, usage=Usage(cost=0.0))
            rated.append(
                replace(
                    c,
                    confidence=_chance(scores),
                    usage=c.usage + scores.usage,
                    unsure=scores.message or ("" if scores.probabilities else "unscored"),
                )
            )
        return rated

    def confidences(self, context: PlanningContext, texts: Sequence[str]) -> list[float]:
        """Returns how likely the model finds it that plans obey the rules and reach the goal.

        0 where that could not be read.

        Raises:
            InputError: The context describes no scene.
        """
        return [_chance(scores) for scores in self._ask(context, texts)]

    def _ask(self, context: PlanningContext, texts: Sequence[str]) -> list[OptionScores]:
        prompts = self._prompt_of(context)
        requests = [
            OptionRequest(asked(prompts, text), (YES, NO), unlisted=_unlisted(prompts, text))
            for text in texts
        ]
        try:
            return choose(self.model, requests, self._options)
        except HarnessError as error:
            failed = ReplyStatus.SERVER_ERROR
            return [
                OptionScores((YES, NO), (), status=failed, message=str(error), mass=0.0)
                for _ in texts
            ]


def _unlisted(prompts: Sequence[Message], text: str) -> UnlistedQuestion:
    *before, last = asked(prompts, text)
    question = replace(last, text=OPEN_QUESTION)
    return UnlistedQuestion((*before, question), (YES, NO))


def _chance(scores: OptionScores) -> float:
    return scores.probabilities[0] if scores.probabilities else 0.0
