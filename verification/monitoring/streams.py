"""Steps from streams of events with times, such as a robot's messages."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from surefoot.core.errors import InputError


def sampled(
    events: Iterable[tuple[float, Mapping[str, bool]]],
    period: float,
    *,
    pulses: Collection[str] = (),
    start: float | None = None,
) -> Iterator[tuple[float, frozenset[str]]]:
    """Samples events at a fixed period, for :class:`~surefoot.verification.Monitor`.

    Every proposition keeps the value of its last event, and is false before the first. A step is
    yielded as soon as an event behind its time arrives, and the last one when the stream ends.

    Args:
        events: Times in seconds that do not fall, each with the propositions that change.
        period: Seconds from one step to the next.
        pulses: Propositions that are true in a step if an event since the step before said so,
            such as commands, and that do not last.
        start: Time of the first step; that of the first event by default.

    Yields:
        The time of each step and the true propositions.

    Raises:
        InputError: Times fall, a value is neither true nor false, or the period is not positive.
    """
    if period <= 0:
        raise InputError(f"the period must be more than 0 seconds, not {period}")
    values: dict[str, bool] = {}
    struck: set[str] = set()
    first, steps, last = start, 0, float("-inf")

    def step() -> tuple[float, frozenset[str]]:
        nonlocal steps
        assert first is not None
        at = first + steps * period
        steps += 1
        true = frozenset(name for name, value in values.items() if value) | struck
        struck.clear()
        return at, true

    for time, changes in events:
        if time < last:
            raise InputError(f"an event at {time} s comes behind one at {last} s; sort them")
        last = time
        first = time if first is None else first
        while time > first + steps * period:
            yield step()
        for name, value in changes.items():
            if not isinstance(value, bool):
                raise InputError(f"'{name}' must be true or false at {time} s, not {value!r}")
            if name not in pulses:
                values[name] = value
            elif value:
                struck.add(name)
    if first is not None and last >= first:
        yield step()
