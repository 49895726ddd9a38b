"""Reads the steps that one line of text states."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import partial

from surefoot.pddl.extract import doubts
from surefoot.pddl.extract.accounting import ACTOR, LOCATIVE, unaccounted
from surefoot.pddl.extract.drafts import (
    Draft,
    Slot,
    StepReading,
    merge,
    noted,
    open_places,
    read_arguments,
    says,
)
from surefoot.pddl.extract.formal import Found, bare_call, bindings, colon_call, find_calls
from surefoot.pddl.extract.mentions import Ref
from surefoot.pddl.extract.vocabulary import PhraseHit, TaskVocabulary
from surefoot.pddl.extract.words import FILLERS, REMARK

_SPLIT = re.compile(r"(;|:(?=\s|$)|\.(?=\s|$)|\s-\s|[()]|,?\s\bthen\b\s|,\s+while\b)")
_PREFIX_WORDS = frozenset(
    """
    the a an then now next finally first lastly again also and please robot arm agent you i we
    it he she they will should must can would need needs to use uses using with in on from at of
    its your his their my our left right hand gripper arms hands action perform performs execute
    executes do does step by after that once immediately start begin starts let lets let's us
    another simultaneously same time meanwhile both have having proceed go ahead current room
    tile position tell tells ask asks order instruct command direct want wants had ought
    obliged supposed told asked subsequently afterwards here clean empty other optionally optional
    """.split()
)
_JOINS = re.compile(
    r"(?:\b(?:and|then|before|followed by|also|plus)|[,&])\s*(?:(?:then|also|it|to|finally)\s+)*$"
)
_CONDITIONAL = re.compile(
    r"\bif (?:it is |it's |they are )?(?:not already|needed|necessary|not yet)\b"
)
_PURPOSE = re.compile(
    r"(?:in order )?to [^,.;:]*,? (?:we|you|i|one|it) (?:\w+ )?(?:needs?|must|have to)\b"
)
"""``To serve x we need y first``: says what for, not what is done."""
_STATE_WORDS = re.compile(
    r"\b(?:is|are|now|becomes?|contains?|has|have|remains?|was|were|will|needs?|should|so|since"
    r"|because|which|that|assuming|if)\b"
)
_TELLS_STATE = re.compile(
    r"\b(?:is|are|becomes?|contains?|has|have|remains?|was|were|because|which|assuming|if)\b"
)
_DESCRIPTION = re.compile(
    r"(?:you|we|i) have (?!to\b)|there (?:is|are)\b|[^()]*\b(?:can|may|must) (?:only|not|never)\b"
)
"""``You have five clean glasses``, ``robots can only paint up``: what is so, not what is done."""
_DROPPED = re.compile(
    r"\b(?:skip(?:ped|ping)?|not allowed|cannot (?:move|paint|be|do)|can't|not required"
    r"|unnecessary|not necessary|no effect|stay put|not possible|is blocked|not needed|invalid)\b"
)


_CONNECTED = re.compile(r"[\s,;.]*(?:and|then|and then|next|finally|followed by)?[\s,;:]*")
_AUXILIARIES = frozenset("is are was were be been being gets get got has have".split())
"""Words before a past form: ``ball1 is picked up``."""


def read_steps(
    vocabulary: TaskVocabulary, text: str, number: int, *, prose: bool = False
) -> list[Draft]:
    """Reads the steps that a line states, in order.

    The line must open with an action (after its subject or a place); what follows a colon,
    a full stop or a dash explains that action and may only fill in what it leaves out.

    Args:
        vocabulary: The task's words.
        text: Clean text of the line.
        number: 1-based line number.
        prose: Whether the line is a paragraph, in which each sentence may be a step.
    """
    if _PURPOSE.match(text) or _DESCRIPTION.match(text):
        return []
    bare = (
        bare_call(vocabulary, text, number)
        or colon_call(vocabulary, text, number)
        or ("=" in text and bindings(vocabulary, text, number))
    )
    if bare:
        return [bare]
    calls = find_calls(vocabulary, text, number)
    if calls:
        formal = _formal(vocabulary, text, number, calls)
        if formal is not None:
            return formal
    drafts = _spoken(vocabulary, text, number, prose=prose)
    if _CONDITIONAL.search(text):
        return [
            replace(draft, conditional=True, doubts=(*draft.doubts, doubts.CONDITIONAL))
            for draft in drafts
        ]
    return drafts


def _formal(
    vocabulary: TaskVocabulary, text: str, number: int, calls: list[Found]
) -> list[Draft] | None:
    """Reads a line that has calls; ``None`` if they are only mentioned in it."""
    before = text[: calls[0].start]
    drafts: list[Draft] = [calls[0].draft]
    if _DENIAL.search(before):
        return []
    if any(map(partial(_strange, vocabulary), re.split(r"[;:]|\s-\s", before))):
        return [noted(calls[0].draft, doubts.CONTRADICTION)]
    titled = bool(re.search(r"[-:;=]\s*$", before))
    if _names_others(vocabulary, before, calls[0].draft):
        drafts = [noted(calls[0].draft, doubts.CONTRADICTION)]
    elif titled or not _heads(vocabulary, before):
        said = _spoken(vocabulary, before, number)
        if not said and not titled:
            return None
        if not said:
            said = [calls[0].draft]
        joined = merge(calls[0].draft, said[-1]) if len(said) == 1 else None
        if joined is None:
            joined = replace(calls[0].draft, doubts=(*calls[0].draft.doubts, doubts.CONTRADICTION))
        drafts = [joined]
    elif calls[0].draft.readings and not calls[0].draft.readings[0].strict:
        subject = [r for r in vocabulary.refs(before) if r.exact]
        readings = tuple(_with_refs(vocabulary, r, subject) for r in calls[0].draft.readings)
        drafts = [replace(calls[0].draft, readings=readings)]
    if _BEHIND_DENIES.search(text[calls[-1].end :]):
        return []
    end = calls[0].end
    for call in calls[1:]:
        between = text[end : call.start]
        if not _CONNECTED.fullmatch(between):
            drafts[-1] = replace(drafts[-1], doubts=(*drafts[-1].doubts, doubts.REMARKED))
            break
        drafts.append(call.draft)
        end = call.end
    return drafts


_DENIAL = re.compile(r"\b(?:not|never|don't|doesn't|cannot|can't|without|avoid|instead of|skip)\b")


_BEHIND_DENIES = re.compile(
    r"\b(?:not (?:be )?(?:executed|performed|carried out|done|taken|needed|required|necessary"
    r"|allowed|to be)|is (?:skipped|omitted|left out|dropped|forbidden|cancell?ed)"
    r"|(?:must|should|do|does) not"
    r"|never|skip(?:ped)? this|leave this out|omit(?:ted)?\b)"
)


def denies_call(text: str) -> bool:
    """Returns whether a line has a call and says that it is not to be carried out."""
    return ")" in text and _BEHIND_DENIES.search(text[text.rfind(")") :]) is not None


def _strange(vocabulary: TaskVocabulary, piece: str) -> bool:
    """Returns whether a piece before a call is neither a title nor a subject."""
    if not piece.strip() or _heads(vocabulary, piece) or vocabulary.phrases(piece):
        return False
    words = [w for w in re.findall(r"[a-z]+", piece) if w not in FILLERS]
    return len(words) > 1 and not _LABELS.search(piece)


_LABELS = re.compile(
    r"\b(?:action|operator|command|step|call|pddl|syntax|formal|formally|executes?|performs?|plan)\b"
)


def _names_others(vocabulary: TaskVocabulary, before: str, call: Draft) -> bool:
    """Returns whether a title names an object that the call behind it does not."""
    if not call.readings or not call.readings[0].strict:
        return False
    said = {o for slot in call.readings[0].slots if slot is not None for o in slot.options}
    return any(
        r.unknown or (len(r.objects) == 1 and r.objects[0] not in said)
        for r in vocabulary.refs(before)
        if r.exact
    )


def _spoken(
    vocabulary: TaskVocabulary, text: str, number: int, *, prose: bool = False
) -> list[Draft]:
    pieces = _SPLIT.split(text)
    drafts: list[Draft] = []
    depth = 0
    separator = lead = carried = ""
    for index, piece in enumerate(pieces):
        if index % 2:
            separator = piece.strip()
            depth += {"(": 1, ")": -1}.get(separator, 0)
            continue
        piece = piece.strip(" ,\"'")
        if not piece:
            continue
        opening = _SEQUENCE.match(piece)
        starts = opening is not None or (prose and separator in ("", ".") and depth <= 0)
        if opening is not None:
            piece = piece[opening.end() :]
        if not drafts:
            stated = _clause(vocabulary, f"{lead} {piece}".strip(), number)
            if not stated and starts and not lead:
                stated = _clause(vocabulary.with_past(), piece, number)
            if not stated and not _heads(vocabulary, piece):
                return []  # a sentence that does not open with an action
            lead = f"{lead} {piece}"  # "robot2: paint up": the subject of what follows
            drafts = stated
            if len(drafts) > 1 and not any(says(d) for d in drafts):
                return []  # a list of action names
            continue
        if carried:  # 'Then, robot1: Move …': the subject of a new sentence
            piece, separator, starts, carried = f"{carried} {piece}", ".", True, ""
        stated = _clause(vocabulary, piece, number)
        if not stated and starts and separator == ".":
            stated = _clause(vocabulary.with_past(), piece, number)
        leads = separator == "." and index + 1 < len(pieces) and pieces[index + 1] == ":"
        if not stated and leads and _heads(vocabulary, piece) and vocabulary.refs(piece):
            carried = piece
            continue
        if not stated and starts and separator == "." and depth <= 0:
            if (
                not _explains(piece)
                and any(r.exact for r in vocabulary.refs(piece))
                and not _TELLS_STATE.search(piece)
            ):
                drafts.append(Draft((), piece, number, number, doubts=(doubts.INVENTED,)))
            continue
        if not stated:
            if (separator in ("(", ":", "-", ")") or depth > 0) and not _STATE_WORDS.search(piece):
                drafts[-1] = _fill(vocabulary, drafts[-1], piece)
            continue
        joined = merge(drafts[-1], stated[0]) if len(stated) == 1 else None
        if starts and separator == "." and depth <= 0 and not _explains(piece):
            drafts.extend(stated)
        elif joined is not None:
            drafts[-1] = joined
        elif ((separator == ";" or "then" in separator) and depth <= 0) or (
            separator == "." and depth <= 0 and _is_step(vocabulary, piece, stated)
        ):
            drafts.extend(stated)
        elif separator == ":" and not any(says(d) for d in drafts):
            drafts = stated  # 'Pick up: robot1 grabs …' names the step it explains
        else:
            drafts[-1] = replace(drafts[-1], doubts=(*drafts[-1].doubts, doubts.REMARKED))
    return drafts


_SEQUENCE = re.compile(
    r"^(?:and |, )?(?:first(?:ly)?|second(?:ly)?|third(?:ly)?|then|next|now|finally|lastly|last"
    r"|after (?:that|this|which)|afterwards?|subsequently|following (?:that|this)|once done"
    r"|with that done|from there|at this point|to (?:begin|start)(?: with)?|in the end)\b[ ,]*"
)
"""Begins a sentence that is the next step."""


def _explains(piece: str) -> bool:
    """Returns whether a sentence speaks of the step before it."""
    return bool(re.match(r"(?:this|that|these|those|which|now|note)\b", piece))


def _is_step(vocabulary: TaskVocabulary, piece: str, stated: list[Draft]) -> bool:
    """Tells a second sentence that is a step from one that explains the first."""
    if _STATE_WORDS.search(piece) or not all(says(d) for d in stated):
        return False
    return not re.match(r"(?:this|that|these|it|which|now)\b", piece)


def dropped(text: str) -> bool:
    """Returns whether a line takes its own step back (``cannot move there; skip``)."""
    return bool(_DROPPED.search(text))


def _heads(vocabulary: TaskVocabulary, prefix: str) -> bool:
    """Returns whether a clause may still begin after this prefix: a subject, a place, no verb."""
    rest = prefix
    for ref in reversed(vocabulary.refs(prefix)):
        rest = rest[: ref.start] + " " + rest[ref.end :]
    words = re.findall(r"[a-z']+|[:?]", rest.replace('"', " "))
    known = _PREFIX_WORDS | _AUXILIARIES if vocabulary.past else _PREFIX_WORDS
    strange = [word for word in words if word not in known and word != ":"]
    return not strange or (len(strange) == 1 and ACTOR.search(" ".join(words)) is not None)


def _clause(vocabulary: TaskVocabulary, text: str, number: int) -> list[Draft]:
    hits = vocabulary.phrases(text)
    if not hits:
        return []
    refs = [r for r in vocabulary.refs(text) if not _inside_phrase(r, hits)]
    hits = [h for h in hits if not _inside_object(text, h, refs, hits)]
    refs = [_without_particle(r, hits) for r in refs]
    if not hits or not _heads(vocabulary, text[: hits[0].start]):
        return []
    remark = REMARK.search(text, _verb_end(text, hits[0]))
    purpose = next((h for h in hits[1:] if re.search(r"\bto (?:the )?$", text[: h.start])), None)
    if purpose is not None and (
        _names_action(text[hits[0].end : purpose.start])
        or {a for a, _ in purpose.readings} & {a for a, _ in hits[0].readings}
    ):
        # 'perform the "undo" action to undo the nut': the purpose says which step it is
        hits = [
            replace(hits[0], end=purpose.end),
            *[h for h in hits[1:] if h.start > purpose.start],
        ]
        remark = REMARK.search(text, hits[0].end)
    elif purpose is not None and (remark is None or purpose.start < remark.start()):
        remark = re.compile(r"\s*\bto (?:the )?$").search(text[: purpose.start])
    if remark is not None:  # reasons and purposes are no arguments
        text = text[: remark.start()]
        refs = [r for r in refs if r.end <= remark.start()]
        hits = [hits[0], *[h for h in hits[1:] if h.end <= remark.start()]]
    accepted = [hits[0]]
    for hit in hits[1:]:
        if not _JOINS.search(text[accepted[-1].end : hit.start]):
            continue
        if hit.gerund(text) and not accepted[0].gerund(text):
            continue  # 'holding it in the left hand' only accompanies
        accepted.append(hit)
    drafts: list[Draft] = []
    subject = [r for r in refs if r.end <= accepted[0].start]
    for index, hit in enumerate(accepted):
        end = accepted[index + 1].start if index + 1 < len(accepted) else len(text)
        cut = _other_step(text, hit, hits, refs, end)
        end = cut or end
        own = [r for r in refs if _verb_end(text, hit) <= r.start < end]
        if not own and index + 1 < len(accepted):  # "clean and empty the shaker"
            own = [r for r in refs if r.start >= _verb_end(text, accepted[index + 1])]
        word = text[hit.start : hit.end]
        reported = vocabulary.past and word.endswith("ed")
        tells = subject and not reported and word in vocabulary.task.domain.predicates
        if tells and (not own or (word.endswith("ing") and len(own) < 2)):
            continue  # "shot glass 4: empty" and "left hand: holding shot1" tell a state
        draft = _draft(vocabulary, hit, subject, own, text[hit.start : end].strip(" ,"), number)
        if draft is not None:
            codes = unaccounted(vocabulary, text, accepted[0].start, hit.end, end, refs, draft)
            codes = (*codes, doubts.REMARKED) if cut else codes
            drafts.append(replace(draft, doubts=codes) if codes else draft)
    return drafts


def _names_action(between: str) -> bool:
    """Returns whether nothing but the word *action* stands between a name and its purpose."""
    words = re.findall(r"[a-z]+", between)
    return "action" in words and all(w in FILLERS or w in _ACTION_WORDS for w in words)


_ACTION_WORDS = frozenset("action operator command behavior behaviour operation times".split())


def _other_step(
    text: str, hit: PhraseHit, hits: list[PhraseHit], refs: list[Ref], end: int
) -> int | None:
    """Returns where a clause turns to another action that is not read as a step of its own."""
    for other in hits:
        if not hit.end <= other.start < end or other.gerund(text):
            continue
        before = max((r.end for r in refs if r.end <= other.start), default=hit.end)
        if re.search(r"\b(?:and|then|while|before|after)\b", text[before : other.start]):
            return before
    return None


def _verb_end(text: str, hit: PhraseHit) -> int:
    """End of a phrase's first word: 'empty shaker' may be followed by more of the object."""
    return hit.start + len(re.split(r"[ _-]", text[hit.start : hit.end], maxsplit=1)[0])


def _inside_phrase(ref: Ref, hits: list[PhraseHit]) -> bool:
    """Returns whether a mention is part of an action's words: the jack of ``jack-up``."""
    at = ref.start + ref.skip
    return any(h.start <= at and ref.end <= h.end and at > h.start - 1 for h in hits) and any(
        h.end > ref.end for h in hits if h.start <= at
    )


_BEFORE_VERB = re.compile(r"[\s:]*(?:(?:will|shall|should|must|can|then|now|next|first|also)\s+)*")


def _inside_object(text: str, hit: PhraseHit, refs: list[Ref], hits: list[PhraseHit]) -> bool:
    """Returns whether an action's words are part of an object's: the hoist of ``hoist 0``."""
    for ref in refs:
        at = ref.start + ref.skip
        if not (at <= hit.start and hit.end <= ref.end):
            continue
        if at < hit.start or ref.preposition:
            return True
        if ref.end > hit.end and any(
            _BEFORE_VERB.fullmatch(text, ref.end, other.start)
            for other in hits
            if other.start >= ref.end
        ):
            return True  # 'hoist 0 moves'; but 'clean shaker 1' begins with its verb
    return False


def _draft(
    vocabulary: TaskVocabulary,
    hit: PhraseHit,
    subject: list[Ref],
    own: list[Ref],
    text: str,
    number: int,
) -> Draft | None:
    readings: list[StepReading] = []
    for action, phrase in hit.readings:
        reading = read_arguments(vocabulary, action, own)
        led = [replace(r, preposition="") if r.preposition == "by" else r for r in subject]
        reading = _with_refs(vocabulary, reading, [r for r in led if not _sets_scene(r)])
        reading = _with_scene(vocabulary, reading, [r for r in led if _sets_scene(r)])
        implied = [vocabulary.object_named(text) for text in phrase.implies.values()]
        reading = _with_refs(vocabulary, reading, [ref for ref in implied if ref is not None])
        names = [p.name[1:] for p in vocabulary.task.domain.actions[action].parameters]
        if all(reading.slots[names.index(need)] is not None for need in phrase.needs):
            earlier = next((r for r in readings if r.action == action), None)
            if earlier is None:
                readings.append(reading)
    if not readings:
        return None
    return Draft(_best(readings), text, number, number)


def _without_particle(ref: Ref, hits: list[PhraseHit]) -> Ref:
    """Returns a mention without the preposition that belongs to the verb: ``put on the tyre``."""
    if ref.preposition and any(h.start <= ref.start < h.end for h in hits):
        at = ref.start + ref.skip
        return replace(ref, start=at, preposition="", text=ref.text[ref.skip :])
    return ref


def _sets_scene(ref: Ref) -> bool:
    """Returns whether a mention before the verb only says where: ``From tile_0-3, change …``."""
    return ref.preposition in LOCATIVE and not ref.unknown


def _with_scene(vocabulary: TaskVocabulary, reading: StepReading, refs: list[Ref]) -> StepReading:
    filled = _with_refs(vocabulary, reading, refs)
    return replace(filled, misfit=reading.misfit, clash=reading.clash)


def _best(readings: list[StepReading]) -> tuple[StepReading, ...]:
    """Keeps the readings that account for most of the text."""

    def rank(reading: StepReading) -> tuple[bool, int, int]:
        return (reading.misfit is not None, reading.clash, -reading.named)

    top = min(map(rank, readings))
    return tuple(r for r in readings if rank(r) == top)


def _with_refs(vocabulary: TaskVocabulary, reading: StepReading, refs: list[Ref]) -> StepReading:
    """Fills open arguments from objects outside the clause proper (subject, parenthesis)."""
    if not refs or reading.strict:
        return reading
    return read_arguments(vocabulary, reading.action, refs, reading)


_REASON = re.compile(
    r"(?:to|after|before|for|so|in order|since|because|if|when|while|initially|as|until)\s"
    r"(?!(?:the |an? )?[\w-]*\d)"
)


def _fill(vocabulary: TaskVocabulary, draft: Draft, text: str) -> Draft:
    """Takes from an explanation what the step leaves out, and nothing else."""
    refs = vocabulary.refs(text)
    if not refs or not draft.readings or _REASON.match(text):
        return draft
    readings: list[StepReading] = []
    for reading in draft.readings:
        places = open_places(vocabulary, reading, refs[0]) if len(refs) == 1 else []
        if len(places) > 1:  # which of them is meant is not said
            options = Slot(refs[0].objects, text=refs[0].text)
            readings += [
                replace(reading, slots=(*reading.slots[:i], options, *reading.slots[i + 1 :]))
                for i in places
            ]
            continue
        filled = _with_refs(vocabulary, reading, refs)
        unknown = filled.misfit is not None and not filled.misfit.options
        readings.append(
            filled if unknown else replace(filled, misfit=reading.misfit, extra=reading.extra)
        )
    best = _best(readings)
    said = {o for r in refs if r.exact for o in r.objects}
    kept = {o for r in best for slot in r.slots if slot is not None for o in slot.options}
    filled_all = all(slot is not None for slot in best[0].slots)
    before = draft.readings[0].slots
    new = {
        o
        for r in best
        for slot, old in zip(r.slots, before, strict=False)
        if slot is not None and old is None
        for o in slot.options
    }
    lost = any(
        r.exact and r.preposition in ("from", "to") and not set(r.objects) & new for r in refs
    )
    if not filled_all and (lost or (not said <= kept and any(r.preposition for r in refs))):
        # 'battery level3 to door4': an argument is named that nothing takes
        return noted(replace(draft, readings=best), doubts.VAGUE)
    return replace(draft, readings=best)
