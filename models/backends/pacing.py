"""When a server may be asked: limits of requests and tokens a minute, fewer while it refuses."""

from __future__ import annotations

import threading
import time
from collections import deque

_MINUTE = 60.0
_STEP_S = 1.0
"""Refusals within so many seconds are those of one burst and lower the limit once."""


class Pace:
    """Lets requests of several threads start when they may.

    The number of requests at a time is halved when the server answers 429 and grows by one for
    every full round of answers, up to its maximum.

    Args:
        concurrency: Maximum number of requests at a time.
        requests: Maximum number of requests a minute, 0 for no limit.
        tokens: Maximum number of tokens a minute, 0 for no limit.
    """

    def __init__(self, concurrency: int, requests: int = 0, tokens: int = 0) -> None:
        self._most = concurrency
        self._limit = float(concurrency)
        self._requests = requests
        self._tokens = tokens
        self._running = 0
        self._started: deque[list[float]] = deque()  # time and tokens of each request
        self._not_before = 0.0
        self._lowered = -_MINUTE
        self._changed = threading.Condition()

    @property
    def limit(self) -> int:
        """Requests that may run at a time now."""
        return max(1, int(self._limit))

    def begin(self, tokens: int) -> list[float]:
        """Waits until a request may start.

        Args:
            tokens: How many it will take, roughly.

        Returns:
            What :meth:`end` needs.
        """
        with self._changed:
            while True:
                now = time.monotonic()
                wait = self._wait(now, tokens)
                if wait <= 0 and self._running < self.limit:
                    break
                self._changed.wait(wait if wait > 0 else None)
            self._running += 1
            mark = [now, float(tokens)]
            self._started.append(mark)
            return mark

    def wait_s(self, tokens: int) -> float:
        """Returns seconds until the limits of a minute admit a request, 0 or less for now.

        Args:
            tokens: How many it will take, roughly.
        """
        with self._changed:
            return self._wait(time.monotonic(), tokens)

    def _wait(self, now: float, tokens: int) -> float:
        while self._started and self._started[0][0] <= now - _MINUTE:
            self._started.popleft()
        wait = self._not_before - now
        if self._requests and len(self._started) >= self._requests:
            wait = max(wait, self._started[-self._requests][0] + _MINUTE - now)
        if self._tokens and self._started:
            # A request that is larger than the limit starts alone.
            spare = self._tokens - min(tokens, self._tokens)
            used = sum(mark[1] for mark in self._started)
            for at, taken in self._started:
                if used <= spare:
                    break
                wait = max(wait, at + _MINUTE - now)
                used -= taken
        return wait

    def end(self, mark: list[float], tokens: int | None = None) -> None:
        """Called when a request ends.

        Args:
            mark: What :meth:`begin` returned.
            tokens: How many it took; ``None`` if it was not answered.
        """
        with self._changed:
            self._running -= 1
            if tokens is not None:
                mark[1] = float(tokens)
                self._limit = min(float(self._most), self._limit + 1.0 / self._limit)
            self._changed.notify_all()

    def refused(self, wait_s: float) -> None:
        """Called when the server answers 429.

        Args:
            wait_s: Seconds until it may be asked again.
        """
        with self._changed:
            now = time.monotonic()
            if now - self._lowered >= _STEP_S:
                self._limit = max(1.0, self._limit / 2)
                self._lowered = now
            self._not_before = max(self._not_before, now + wait_s)
            self._changed.notify_all()
