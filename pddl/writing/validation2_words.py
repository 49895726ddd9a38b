"""More other phrases for the actions, for validation."""

from __future__ import annotations

ACTORS = {"satellite": "the operator"}
"""Who acts where no argument does in the domain that only the second set for validation has."""

SYNONYMS = {
    "barman": """
        grasp: - | take | {1} | in the {0} hand
        leave: - | put down | {1} | with the {0} hand
        fill-shot: - | fill | {0} | held in the {2} hand | with {1} | from {4}
            | keeping the {3} hand free
        refill-shot: - | refill | {0} | held in the {2} hand | with {1} | from {4}
            | keeping the {3} hand free
        empty-shot: - | empty | {1} | held in the {0} hand | discarding {2}
        clean-shot: - | clean | {0} | after its use for {1} | holding it with the {2} hand
            | and keeping the {3} hand free
        pour-shot-to-clean-shaker: - | pour | {1} | from {0} | held in the {3} hand
            | into {2} | (still clean) | raising the shaker's level from {4} to {5}
        pour-shot-to-used-shaker: - | add | {1} | from {0} | held in the {3} hand
            | to {2} | (already in use) | raising the shaker's level from {4} to {5}
        empty-shaker: - | empty | {1} | held in the {0} hand | discarding {2}
            | so that its level goes from {3} to {4}
        clean-shaker: - | clean | {2} | holding it with the {0} hand
            | and keeping the {1} hand free
        shake: - | shake | {3} | held in the {4} hand | to make {0} | from {1} and {2}
            | with the {5} hand free
        pour-shaker-to-shot: - | pour | {0} | from {3} | held in the {2} hand | into {1}
            | so that the shaker's level goes from {4} to {5}
    """,
    "blocksworld": """
        pickup: - | lift | {0} | from the table
        putdown: - | set down | {0} | on the table
        stack: - | put | {0} | onto {1}
        unstack: - | take | {0} | off {1}
    """,
    "delivery": """
        go: {0} | move | - | through {3} | from {1} | to {2} | draining its battery from {4} to {5}
        charge: {0} | charge | its battery | in {1} | from {2} | to {3}
        open-door: {0} | open | {1} | while in {2} | to get access to {3}
        close-door: {0} | close | {1} | while in {2} | separating it from {3}
        pick-up: {0} | collect | {1} | in {2}
        put-down: {0} | leave | {1} | in {2}
    """,
    "floortile": """
        change-color: {0} | swap | its color | from {1} | to {2}
        paint-up: {0} | paint | {1} | (the tile above) | using {3} paint
            | from its position on {2}
        paint-down: {0} | paint | {1} | (the tile below) | using {3} paint
            | from its position on {2}
        up: {0} | move | one tile up | from {1} | to {2}
        down: {0} | move | one tile down | from {1} | to {2}
        right: {0} | move | one tile to the right | from {1} | to {2}
        left: {0} | move | one tile to the left | from {1} | to {2}
    """,
    "grippers": """
        move: {0} | travel | - | from {1} | to {2}
        pick: {0} | take | {1} | in {2} | with its {3}
        drop: {0} | put down | {1} | in {2} | with its {3}
    """,
    "kitchen": """
        go: - | move | - | from {0} | to {1}
        open-store: - | open | the door of {0}
        close-store: - | close | the door of {0}
        fetch: - | get | {0} | from inside {1}
        put-back: - | place | {0} | back inside {1}
        put-down: - | set | {0} | down on {1}
        pick-up: - | take | {0} | from {1}
        wash: - | wash | {0} | under the tap of {1}
        chop: - | chop | {0} | up on {1}
        turn-on: - | turn | {0} | on
        turn-off: - | turn | {0} | off
        put-in-pan: - | add | {0} | to {1} | which is on {2}
        cook: - | cook | {0} | inside {1} | on {2}
        take-from-pan: - | remove | {0} | from {1} | which is on {2}
        plate-up: - | plate | {0} | onto {1} | at {2}
        serve: - | serve | {0} | to the guests at {1}
    """,
    "storage": """
        lift: {0} | lift | {1} | from {2} | inside {4} | while positioned at {3}
        drop: {0} | lower | {1} | onto {2} | inside {4} | while positioned at {3}
        move: {0} | move | - | from {1} | to the neighboring {2}
        go-out: {0} | leave | {1} | for {2}
        go-in: {0} | go in | - | from {1} | to {2}
    """,
    "tabletop": """
        pick: - | pick up | {0} | from {1}
        place: - | put | {0} | down onto {1}
        put-down: - | put | {0} | back down on {1}
        unstack: - | lift | {0} | off {1}
        stack: - | stack | {0} | on top of {1}
        put-in: - | place | {0} | inside {1}
        take-out: - | pick | {0} | out of {1}
        open-lid: - | open | {1} | by removing {0}
        close-lid: - | close | {1} | by putting {0} back on
    """,
    "termes": """
        move: - | move | - | at height {2} | from {0} | to {1}
        move-up: - | step up | - | from {0} | (at {1}) | onto {2} | (at {3})
        move-down: - | step down | - | from {0} | (at {1}) | onto {2} | (at {3})
        place-block: - | add | a block | at {1} | standing on the neighboring {0}
            | so that its height goes from {2} to {3}
        remove-block: - | take | a block | away from {1} | standing on the neighboring {0}
            | so that its height goes from {2} to {3}
        create-block: - | pick up | a new block | at the depot {0}
        destroy-block: - | dispose of | the block | at the depot {0}
    """,
    "tyreworld": """
        open: - | open | the lid of {0}
        close: - | close | the lid of {0}
        fetch: - | get | {0} | from {1}
        put-away: - | put | {0} | back into {1}
        loosen: - | loosen | {0} | on {1}
        tighten: - | tighten | {0} | on {1}
        jack-up: - | jack | {0} | up
        jack-down: - | jack | {0} | down
        undo: - | remove | {0} | from {1}
        do-up: - | put | {0} | back on {1}
        remove-wheel: - | pull | {0} | off {1}
        put-on-wheel: - | fit | {0} | onto {1}
        inflate: - | inflate | {0} | with the pump
    """,
}
"""Tables of phrases by domain; see :func:`~surefoot.pddl.writing.phrases.read_phrases`."""

OWN_PHRASES = {
    "satellite": """
        turn-to: {0} | turn | - | from {2} | to {1}
        switch-on: - | switch on | {0} | on board {1}
        switch-off: - | switch off | {0} | on board {1}
        calibrate: {0} | calibrate | {1} | on {2}
        take-image: {0} | take | an image of {1} | in {3} mode | with {2}
    """,
}
"""The table of the domain that only the second set for validation has."""
