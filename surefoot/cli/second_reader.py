"""The second reader of ``grade``: any language model, for the doubtful answers alone."""

from __future__ import annotations

from collections.abc import Sequence

from surefoot.core.chat import Message, ReplyStatus, Request
from surefoot.core.errors import InputError
from surefoot.pddl.extract.readers import ANSWER_READERS, DEFAULT_READER
from surefoot.pddl.grading.second_reader import NoReplyError, SecondReader


def choose_readers(spec: str, settings: Sequence[str]) -> tuple[str, SecondReader | None]:
    """Returns the answer reader and the second reader that an option names.

    Args:
        spec: The name of an answer reader, or the specification of a model.
        settings: Settings of the model as ``NAME=VALUE``.

    Raises:
        InputError: It names neither, or a setting is unknown.
    """
    if spec in ANSWER_READERS:
        if settings:
            raise InputError("--set is for a model as second reader, such as --reader openai:NAME")
        return spec, None
    from surefoot.models.options import read_options
    from surefoot.models.registry import MODELS, forms, make_model

    if spec.partition(":")[0] not in MODELS and ":" not in spec:
        models = ", ".join(forms(MODELS))
        raise InputError(f"{ANSWER_READERS.unknown(spec)}; or a model: {models}")
    options = read_options(settings)
    model = make_model(spec, options)

    def ask(prompt: str) -> str:
        request = Request(
            (Message("user", prompt),),
            max_tokens=options.max_tokens,
            temperature=options.temperature,
        )
        for _, completion in model.generate([request]):
            if completion.status is ReplyStatus.SERVER_ERROR:
                raise NoReplyError(completion.message or "the server failed")
            return completion.text
        raise NoReplyError("the model gave no reply")

    return DEFAULT_READER, SecondReader(spec, ask)
