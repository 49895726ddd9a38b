"""Text of programs, in the words of plans."""

from __future__ import annotations

from surefoot.verification.formulas.syntax import (
    And,
    False_,
    Formula,
    Not,
    Or,
    Prop,
    True_,
)
from surefoot.verification.programs.statements import (
    Do,
    End,
    If,
    Mark,
    Proceed,
    Program,
    Statement,
    WaitUntil,
    While,
)


def words_of(condition: Formula) -> str:
    """Writes a condition with 'not', 'and', 'or' and names in plain words."""
    match condition:
        case Prop(name):
            return name.replace("_", " ")
        case Not(child):
            inner = words_of(child)
            return f"no {inner}" if isinstance(child, Prop) else f"not ({inner})"
        case And(parts) | Or(parts) if parts:
            joint = " and " if isinstance(condition, And) else " or "
            return joint.join(
                f"({words_of(p)})"
                if isinstance(p, And | Or) and len(p.children) > 1
                else words_of(p)
                for p in parts
            )
        case True_() | And():
            return "always"
        case False_() | Or():
            return "never"
    return str(condition)


def program_text(program: Program) -> str:
    """Writes a program as indented text; jump targets show their names."""
    targets = {s.to for s in program.walk() if isinstance(s, Proceed)}
    return "\n".join(_lines(program.statements, targets, "")) + "\n"


def reading_text(program: Program) -> str:
    """Writes how a plan was read, what it does while it waits, and what was set aside."""
    parts = ["I read this as:", *(f"  {line}" for line in program_text(program).splitlines())]
    parts += [f"  ({item}: the steps obey this)" for item in program.never]
    waits = any(
        isinstance(s, WaitUntil) or (isinstance(s, While) and not s.body) for s in program.walk()
    )
    if waits:
        idle = "no action" if program.idle is None else f"'{program.idle.replace('_', ' ')}'"
        parts.append(f"  (while it waits: {idle})")
    if program.notes:
        said = "; ".join(f"'{note[:80]}'" for note in program.notes)
        parts.append(f"  (no part of the plan: {said})")
    return "\n".join(parts) + "\n"


def block_text(statements: tuple[Statement, ...]) -> str:
    """Writes statements in one line."""
    return "; ".join(map(_inline, statements)) or "nothing"


def _acts(actions: tuple[str, ...]) -> str:
    return " and ".join(a.replace("_", " ") for a in actions) or "(no action for one step)"


def _inline(s: Statement) -> str:
    match s:
        case Do(_, actions):
            return _acts(actions)
        case WaitUntil(_, condition):
            return f"wait until {words_of(condition)}"
        case Proceed(_, to):
            return f"go to {to}" if " " in to else f"go to step {to}"
        case If(_, condition, then, ()):
            return f"if {words_of(condition)}: ({block_text(then)})"
        case If(_, condition, then, otherwise):
            no = block_text(otherwise)
            return f"if {words_of(condition)}: ({block_text(then)}), otherwise: ({no})"
        case While(_, condition, body):
            inner = block_text(body) if body else "wait"
            return f"while {words_of(condition)}: ({inner})"
    return "end"


def _lines(statements: tuple[Statement, ...], targets: set[str], indent: str) -> list[str]:
    lines = []
    for s in statements:
        match s:
            case Do(_, actions):
                lines.append(indent + _acts(actions))
            case WaitUntil(_, condition):
                lines.append(f"{indent}wait until {words_of(condition)}")
            case Mark(_, name) if name in targets:
                lines.append(f"{indent}[{name}]")
            case Proceed(_, to):
                lines.append(f"{indent}proceed to [{to}]")
            case End():
                lines.append(f"{indent}end")
            case If(_, condition, then, otherwise):
                lines.append(f"{indent}if {words_of(condition)}:")
                lines += _lines(then, targets, indent + "    ") or [f"{indent}    (nothing)"]
                if otherwise:
                    lines.append(f"{indent}otherwise:")
                    lines += _lines(otherwise, targets, indent + "    ")
            case While(_, condition, body):
                lines.append(f"{indent}while {words_of(condition)}:")
                lines += _lines(body, targets, indent + "    ") or [f"{indent}    (wait)"]
    return lines
