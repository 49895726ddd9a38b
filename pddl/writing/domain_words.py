"""Phrases for the actions of the domains that ship, and of the project's own ferry."""

from __future__ import annotations

ACTORS = {
    "barman": "the barman",
    "blocksworld": "the arm",
    "kitchen": "the robot",
    "tabletop": "the arm",
    "termes": "the robot",
    "tyreworld": "the mechanic",
    "ferry": "the ferry",
}
"""Who acts in the domains in which no argument does."""

PHRASES = {
    "barman": """
        grasp: - | grasp | {1} | with the {0} hand
        leave: - | leave | {1} | on the table | with the {0} hand
        fill-shot: - | fill | {0} | with {1} | from {4} | holding it in the {2} hand
            | with the {3} hand empty
        refill-shot: - | refill | {0} | with {1} | from {4} | holding it in the {2} hand
            | with the {3} hand empty
        empty-shot: - | empty | {1} | of {2} | with the {0} hand
        clean-shot: - | clean | {0} | of {1} | holding it in the {2} hand
            | with the {3} hand empty
        pour-shot-to-clean-shaker: - | pour | {1} | from {0} | into the clean shaker {2}
            | with the {3} hand | raising its level from {4} to {5}
        pour-shot-to-used-shaker: - | pour | {1} | from {0} | into the used shaker {2}
            | with the {3} hand | raising its level from {4} to {5}
        empty-shaker: - | empty | the shaker {1} | of {2} | with the {0} hand
            | from level {3} to {4}
        clean-shaker: - | clean | the shaker {2} | holding it in the {0} hand
            | with the {1} hand empty
        shake: - | shake | {0} | from {1} and {2} | in {3} | holding it in the {4} hand
            | with the {5} hand empty
        pour-shaker-to-shot: - | pour | {0} | from {3} | into {1} | with the {2} hand
            | lowering its level from {4} to {5}
    """,
    "blocksworld": """
        pickup: - | pick up | {0} | from the table
        putdown: - | put down | {0} | on the table
        stack: - | stack | {0} | on {1}
        unstack: - | unstack | {0} | from {1}
    """,
    "delivery": """
        go: {0} | go | - | from {1} | to {2} | through {3} | dropping from {4} to {5}
        charge: {0} | charge | - | in {1} | from {2} | to {3}
        open-door: {0} | open | {1} | from {2} | towards {3}
        close-door: {0} | close | {1} | from {2} | towards {3}
        pick-up: {0} | pick up | {1} | in {2}
        put-down: {0} | put down | {1} | in {2}
    """,
    "floortile": """
        change-color: {0} | change | its color | from {1} | to {2}
        paint-up: {0} | paint | {1} | above it | in {3} | from {2}
        paint-down: {0} | paint | {1} | below it | in {3} | from {2}
        up: {0} | move up | - | from {1} | to {2}
        down: {0} | move down | - | from {1} | to {2}
        right: {0} | move right | - | from {1} | to {2}
        left: {0} | move left | - | from {1} | to {2}
    """,
    "grippers": """
        move: {0} | move | - | from {1} | to {2}
        pick: {0} | pick up | {1} | in {2} | with {3}
        drop: {0} | drop | {1} | in {2} | from {3}
    """,
    "kitchen": """
        go: - | go | - | from {0} | to {1}
        open-store: - | open | {0}
        close-store: - | close | {0}
        fetch: - | fetch | {0} | from {1}
        put-back: - | put back | {0} | into {1}
        put-down: - | put down | {0} | on {1}
        pick-up: - | pick up | {0} | from {1}
        wash: - | wash | {0} | at {1}
        chop: - | chop | {0} | on {1}
        turn-on: - | turn on | {0}
        turn-off: - | turn off | {0}
        put-in-pan: - | put | {0} | in the pan {1} | on {2}
        cook: - | cook | {0} | in {1} | on {2}
        take-from-pan: - | take | {0} | from the pan {1} | on {2}
        plate-up: - | plate up | {0} | on {1} | at {2}
        serve: - | serve | {0} | at {1}
    """,
    "storage": """
        lift: {0} | lift | {1} | off {2} | in {4} | standing at {3}
        drop: {0} | drop | {1} | on {2} | in {4} | standing at {3}
        move: {0} | move | - | from {1} | to {2}
        go-out: {0} | go out | - | from {1} | to {2}
        go-in: {0} | go in | - | from {1} | to {2}
    """,
    "tabletop": """
        pick: - | pick | {0} | from {1}
        place: - | place | {0} | on {1}
        put-down: - | put down | {0} | on {1}
        unstack: - | unstack | {0} | from {1}
        stack: - | stack | {0} | on {1}
        put-in: - | put | {0} | in {1}
        take-out: - | take | {0} | out of {1}
        open-lid: - | open | {0} | of {1}
        close-lid: - | close | {0} | of {1}
    """,
    "termes": """
        move: - | move | - | from {0} | to {1} | at height {2}
        move-up: - | move up | - | from {0} (height {1}) | to {2} (height {3})
        move-down: - | move down | - | from {0} (height {1}) | to {2} (height {3})
        place-block: - | place | a block | at {1} | from {0} | raising it from {2} to {3}
        remove-block: - | remove | a block | at {1} | from {0} | lowering it from {2} to {3}
        create-block: - | create | a block | at {0}
        destroy-block: - | destroy | the block | at {0}
    """,
    "tyreworld": """
        open: - | open | {0}
        close: - | close | {0}
        fetch: - | fetch | {0} | from {1}
        put-away: - | put away | {0} | in {1}
        loosen: - | loosen | {0} | on {1}
        tighten: - | tighten | {0} | on {1}
        jack-up: - | jack up | {0}
        jack-down: - | jack down | {0}
        undo: - | undo | {0} | on {1}
        do-up: - | do up | {0} | on {1}
        remove-wheel: - | remove | {0} | from {1}
        put-on-wheel: - | put | {0} | onto {1}
        inflate: - | inflate | {0}
    """,
    "ferry": """
        board: - | board | {0} | at {1}
        sail: - | sail | - | from {0} | to {1}
        debark: - | debark | {0} | at {1}
    """,
}
"""Tables of phrases by domain; see :func:`~surefoot.pddl.writing.phrases.read_phrases`."""
