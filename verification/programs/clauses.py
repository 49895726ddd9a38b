"""Clauses of plans in English: one action, jump or wait, and several of them in sequence."""

from __future__ import annotations

import re
from dataclasses import dataclass

from surefoot.core.errors import InputError
from surefoot.verification.formulas.syntax import Formula, Prop
from surefoot.verification.programs.phrases import parse_condition
from surefoot.verification.programs.statements import (
    MAX_STATEMENTS,
    Do,
    End,
    Proceed,
    Statement,
    WaitUntil,
    While,
)
from surefoot.verification.programs.vocabulary import PlanVocabulary, tokens

Block = tuple[Statement, ...]

NEXT_STEP = "the next step"
"""Target of a jump to the following step, before its number is known."""

FIRST_STEP = "the first step"
"""Target of a jump to the beginning, before its number is known."""

_NUMBERS = "one two three four five six seven eight nine ten eleven twelve".split()
NUMBER = rf"(?:\d{{1,5}}|an?|{'|'.join(_NUMBERS)})"
"""A whole number in words or digits."""

_MANNER = (
    r"(?:carefully|safely|slowly|immediately|cautiously|at once|right away|straight away|now|"
    r"smoothly|gently|promptly)"
)
_AGENT = r"(?:you|we|i|the (?:car|robot|vehicle|arm|agent))"
_DUTY = r"(?:should|must|will|shall|need to|needs to|have to|has to|is to|are to|ought to)"
LEADS = re.compile(
    rf"^(?:(?:then|next|finally|lastly|please|also|afterwards?|after (?:that|this)|"
    rf"subsequently|just|simply|directly|"
    rf"as (?:a|the) next step|"
    rf"{_MANNER})(?: ,)? |(?:and|second|secondly|third|thirdly|fourth|fifth)(?: ,)? |"
    rf"(?:make sure to|be sure to|always remember to|remember to|proceed to|go ahead and|"
    rf"go on to|move on to)"
    rf" (?!step|the next|the first)|"
    rf"{_AGENT} (?:then |now |also )?{_DUTY} (?:then |now |also )?(?!not |never ))"
)
"""Words before a clause that add nothing."""

_FIRST = re.compile(
    r"^(?:first of all|at first|first|firstly|to begin(?: with)?|to start(?: with)?)(?: ,)? "
)
_TRAILS = re.compile(rf"(?: ,)? (?:{_MANNER}|again|instead|for safety|to be safe)$")
_STEP = r"(?:step|number|item) (\d{1,6})"
_JUMP = re.compile(
    r"^(?:go|proceed|return|jump|move|continue|repeat|skip|loop|resume|start|carry)"
    rf"(?: (?:on|back|ahead|forward|again|over|directly|straight))* (?:to|with|from|"
    rf"at) {_STEP}(?: again)?$"
)
_EVER = r"(?: (?:forever|for ever|indefinitely|endlessly|continuously|over and over|again))?"
_ALL = (
    r"(?:the (?:whole |entire )?(?:plan|process|steps|procedure|sequence|cycle|loop)|"
    r"(?:all (?:of )?)?(?:the |these )steps|all steps|everything)"
)
_AGAIN = re.compile(
    rf"^(?:repeat|start (?:over|again|afresh)|begin again|restart|"
    rf"(?:repeat|return|go back|start again|start over|go|loop back|jump back|begin again|"
    rf"continue|"
    rf"resume|loop) (?:from |to |at )the (?:very )?(?:start|beginning|first step of the plan|"
    rf"first step|top|"
    rf"top of the plan|"
    rf"beginning of the plan|start of the plan)|(?:repeat|restart|loop over|"
    rf"run through) {_ALL}(?: from the (?:start|"
    rf"beginning|top))?|"
    rf"do (?:it|this|all of this) all over again){_EVER}$"
)
_ONWARD = re.compile(
    r"^(?:continue|proceed|go on|move on|go|advance|move)(?: (?:on|ahead|forward))? "
    r"(?:to|with) the (?:next|following) (?:step|one)$"
)
_END = re.compile(
    r"^(?:end|finish|terminate|exit|end here|(?:end|finish|terminate|exit) (?:the )?(?:plan|"
    r"task|program|procedure)|"
    r"(?:the |you are )?(?:(?:plan|task|program|procedure) (?:is )?|)(?:done|finished|"
    r"complete|over|ends)|"
    r"(?:the )?(?:plan|task|program) ends(?: here)?)$"
)
_SENSE = re.compile(
    r"^(?:look (?:around )?(?:for|at|out for)|check(?: for| on)?|observe|watch(?: for|"
    r" out for)?|scan(?: for)?|"
    r"monitor|detect|inspect|identify|assess|examine|see|notice|keep an eye on|"
    r"keep an eye out for|"
    r"pay attention to|be aware of|sense) (.+)$"
)
_WHETHER = re.compile(
    r"^(?:check|see|look|find out|determine|decide|test|verify|decide|observe|assess|ask yourself|"
    r"confirm|detect|identify) (?:to see )?(?P<how>if|whether|that)(?: or not)? (?P<what>.+)$"
)
_AND = re.compile(
    r"(?P<then>(?: ,)?(?: ;)? then | , and then |(?: ,)? and after that | , )|(?: ,)? and "
)
_KEEP = re.compile(r"^(?:keep(?: on)?|continue|carry on|go on|stay|remain|begin|start) (.+)$")
_WAIT = re.compile(
    r"^(?:wait|hold|pause|hold on|wait there|wait here|wait patiently|stay put|stand by|"
    r"remain in place|do not (?:proceed|continue|move on|go on)|remain waiting|"
    r"keep waiting) (?P<how>until|till|while|for as long as|as long as) (?P<what>.+)$"
)
_COUNT = re.compile(rf"^(.+?) (?:(once|twice|thrice)|({NUMBER}) times)$")
_LASTS = re.compile(rf"^(.+?) for ({NUMBER}) (?:time ?)?(steps?|ticks?|seconds?|secs?|s)$")
_PAUSE = re.compile(
    rf"^(?:wait|pause|hold|stand by|stay still|do nothing)(?: for)? ({NUMBER}) (?:more |"
    rf"time ?)?(steps?|ticks?|seconds?|secs?|"
    rf"s)$"
)


@dataclass(frozen=True, slots=True)
class Sequence:
    """Clauses in sequence.

    Attributes:
        blocks: What each does.
        then: Whether a clause begins with a comma or 'then', as in 'A, then B', so that a
            condition before or behind may reach only its neighbour.
    """

    blocks: tuple[Block, ...]
    then: tuple[bool, ...]

    @property
    def whole(self) -> Block:
        """All of it."""
        return tuple(s for block in self.blocks for s in block)


@dataclass(frozen=True, slots=True)
class Sensed:
    """What a clause such as 'look for pedestrians' looks at.

    Attributes:
        thing: The words.
        condition: The condition that 'if so' refers to; None if there is none.
        whether: A question, 'check whether the light is green'.
        claim: 'Check that the light is green', which says what must be so.
    """

    thing: str
    condition: Formula | None
    whether: bool
    claim: bool = False


class ClauseReader:
    """Reads clauses; every statement gets the line that is set.

    Args:
        vocabulary: Names and phrases.
        idle: Action while the plan waits.
    """

    def __init__(self, vocabulary: PlanVocabulary, idle: str | None) -> None:
        self.vocabulary = vocabulary
        self.line = 0
        self.nested = False
        self._idle = idle
        self._memo: dict[tuple[str, int], Block | None] = {}

    def sequence(self, text: str) -> Sequence | None:
        """Reads clauses in sequence; None if there is no reading or more than one."""
        found = self._sequences(_led(text), {})
        if len(found) != 1:
            return None
        several = len(found[0].blocks) > 1 and not found[0].then[-1]
        if several and (_COUNT.match(text) or _LASTS.match(text)):
            return None  # 'A and B twice': is A done twice?
        return found[0]

    def _sequences(self, text: str, memo: dict[str, list[Sequence]]) -> list[Sequence]:
        if text in memo:
            return memo[text]
        found: list[Sequence] = []
        whole = self.simple(text)
        if whole is not None:
            found.append(Sequence((whole,), ()))
        for cut in _AND.finditer(text):
            if _WHETHER.match(text) or len(found) > 1:  # 'check if C, A' has two readings
                break
            first = self.simple(text[: cut.start()])
            if first is not None:
                for rest in self._sequences(text[cut.end() :], memo):
                    marks = (cut["then"] is not None, *rest.then)
                    found.append(Sequence((first, *rest.blocks), marks))
        memo[text] = _merged(found)
        return memo[text]

    def simple(self, text: str) -> Block | None:
        """Reads one clause."""
        key = (text, self.line)
        if key not in self._memo:
            found = self._simple(_led(text))
            self._memo[key] = found if found is not None else self._simple(_stripped(text))
        return self._memo[key]

    def _simple(self, text: str) -> Block | None:
        text = re.sub(r"^(?:wait for|await) the moment (?:when |that )?", "wait until ", text)
        action = self.action(text)
        if action is not None:
            return (Do(self.line, (action,)),)
        if jump := _JUMP.match(text):
            return (Proceed(self.line, str(int(jump[1]))),)
        if _AGAIN.match(text) and not (self.nested and text.startswith("repeat")):
            return (Proceed(self.line, FIRST_STEP),)
        if _END.match(text):
            return (End(self.line),)
        if _ONWARD.match(text):
            return (Proceed(self.line, NEXT_STEP),)
        if waiting := _WAIT.match(text):
            condition = self.condition(waiting["what"])
            if condition is None:
                return None
            if waiting["how"] in ("until", "till"):
                return (WaitUntil(self.line, condition),)
            return (While(self.line, condition, ()),)
        if pause := _PAUSE.match(text):
            idle = () if self._idle is None else (self._idle,)
            return self._times((Do(self.line, idle),), self._steps(pause[1], pause[2]))
        for pattern in (_COUNT, _LASTS):
            if counted := pattern.match(text):
                action = self.action(counted[1]) or self.keeping(counted[1])
                if action is None:
                    return None
                if pattern is _LASTS:
                    number: int | None = self._steps(counted[2], counted[3])
                else:
                    words = {"once": 1, "twice": 2, "thrice": 3}
                    number = words[counted[2]] if counted[2] else number_of(counted[3])
                return self._times((Do(self.line, (action,)),), number)
        sensed = self.sensed(text)
        return () if sensed is not None and not sensed.claim else None

    def action(self, text: str) -> str | None:
        """Returns the action that words command, also as 'the car turns right'."""
        words = text.split()
        found = self.vocabulary.act(words)
        subject = re.match(rf"^{_AGENT} ", text)
        if found is None and subject and not self.vocabulary.senses(subject[0]):
            words = text[subject.end() :].split()
            if words and words[0] in ("goes", "does"):
                words[0] = words[0][:-2]
            found = self.vocabulary.act(words)
        return found

    def keeping(self, text: str) -> str | None:
        """Returns the action of 'keep turning right'."""
        kept = _KEEP.match(text)
        if not kept:
            return None
        words = kept[1].split()
        return self.vocabulary.acting(words)

    def condition(self, text: str) -> Formula | None:
        """Reads a condition."""
        return parse_condition(text, self.vocabulary)

    def sensed(self, text: str) -> Sensed | None:
        """Reads a clause that only looks."""
        asks = _WHETHER.match(text)
        if asks:
            condition = self.condition(asks["what"])
            claim = asks["how"] == "that"
            return None if condition is None else Sensed(asks["what"], condition, True, claim)
        looks = _SENSE.match(text)
        if not looks:
            return None
        pieces = [
            re.sub(r"^(?:any|all|some|both|other)(?: of)? ", "", piece)
            for piece in re.split(r"(?: ,)? (?:and|or) | , ", looks[1])
        ]
        if not all(map(self.vocabulary.senses, pieces)):
            return None
        name = self.condition(pieces[0]) if len(pieces) == 1 else None
        return Sensed(pieces[0], name if isinstance(name, Prop) else None, False)

    def _steps(self, number: str, unit: str) -> int | None:
        count = number_of(number)
        if unit[0] != "s" or unit.startswith("step"):
            return count
        rate = self.vocabulary.steps_per_second
        if rate is None or count is None:
            return None
        steps = count * rate
        return round(steps) if abs(steps - round(steps)) < 1e-9 else None

    @staticmethod
    def _times(block: Block, number: int | None) -> Block | None:
        if number is None:
            return None
        if not 1 <= number <= MAX_STATEMENTS:
            raise InputError(f"the plan has more than {MAX_STATEMENTS:,} steps; shorten it")
        return block * number


def number_of(text: str) -> int | None:
    """Returns a whole number in words or digits."""
    if text.isdigit():
        return int(text)
    if text in ("a", "an"):
        return 1
    return _NUMBERS.index(text) + 1 if text in _NUMBERS else None


def without_first(text: str) -> str:
    """Drops 'first' where it begins the first sentence of a step."""
    return _FIRST.sub("", text)


def normal(sentence: str) -> str:
    """Returns a sentence as words with single spaces, commas among them."""
    return " ".join(tokens(sentence)).strip(" ,")


def _led(text: str) -> str:
    text = text.strip(" ,")
    while (lead := LEADS.match(text)) is not None:
        text = text[lead.end() :]
    return text


def _stripped(text: str) -> str:
    text = _led(text)
    while (trail := _TRAILS.search(text)) is not None:
        text = text[: trail.start()]
    return text


def _merged(found: list[Sequence]) -> list[Sequence]:
    """Drops readings that do the same; of these, the one with most marks of doubt stays."""
    best: dict[Block, Sequence] = {}
    for item in found:
        other = best.get(item.whole)
        if other is None or sum(item.then) > sum(other.then):
            best[item.whole] = item
    return list(best.values())[:2]
