"""Other phrases for the actions, for validation."""

from __future__ import annotations

ACTORS = {"freight": "the dispatcher"}
"""Who acts in the domain that only the first set for validation has."""

SYNONYMS = {
    "barman": """
        grasp: - | pick up | {1} | using the {0} hand
        leave: - | place | {1} | back on the table | using the {0} hand
        fill-shot: - | fill | shot glass {0} | using {4} | with {1}
            | while the {2} hand holds it | and the {3} hand stays free
        refill-shot: - | refill | shot glass {0} | using {4} | with {1}
            | while the {2} hand holds it | and the {3} hand stays free
        empty-shot: - | empty | shot glass {1} | getting rid of {2} | using the {0} hand
        clean-shot: - | clean | shot glass {0} | from the remains of {1}
            | while the {2} hand holds it | and the {3} hand stays free
        pour-shot-to-clean-shaker: - | pour | the contents of {0} | ({1})
            | into {2}, which is clean | using the {3} hand | (level {4} to {5})
        pour-shot-to-used-shaker: - | pour | the contents of {0} | ({1})
            | into {2}, which is already in use | using the {3} hand | (level {4} to {5})
        empty-shaker: - | empty out | the shaker {1} | (still holding {2})
            | using the {0} hand | (level {3} to {4})
        clean-shaker: - | clean | {2} | while the {0} hand holds it | and the {1} hand stays free
        shake: - | shake | {3} | to mix {0} | out of {1} and {2}
            | while the {4} hand holds it | and the {5} hand stays free
        pour-shaker-to-shot: - | pour | {0} | out of the shaker {3} | into shot glass {1}
            | using the {2} hand | (level {4} to {5})
    """,
    "blocksworld": """
        pickup: - | pick up | block {0} | off the table
        putdown: - | place | block {0} | on the table
        stack: - | place | block {0} | on top of block {1}
        unstack: - | remove | block {0} | from the top of block {1}
    """,
    "delivery": """
        go: {0} | drive | - | from {1} | into {2} | via {3} | (battery {4} to {5})
        charge: {0} | recharge | - | at the charger in {1} | from {2} | up to {3}
        open-door: {0} | open | the door {1} | between {2} | and {3}
        close-door: {0} | shut | the door {1} | between {2} | and {3}
        pick-up: {0} | grab | {1} | at {2}
        put-down: {0} | drop off | {1} | at {2}
    """,
    "floortile": """
        change-color: {0} | switch | its spray gun | from {1} | to {2}
        paint-up: {0} | paint | the tile above, {1}, | {3} | while standing on {2}
        paint-down: {0} | paint | the tile below, {1}, | {3} | while standing on {2}
        up: {0} | go up | - | from {1} | to {2}
        down: {0} | go down | - | from {1} | to {2}
        right: {0} | step right | - | from {1} | onto {2}
        left: {0} | step left | - | from {1} | onto {2}
    """,
    "grippers": """
        move: {0} | go | - | from {1} | over to {2}
        pick: {0} | grab | {1} | in {2} | using {3}
        drop: {0} | release | {1} | in {2} | out of {3}
    """,
    "kitchen": """
        go: - | walk | - | from {0} | over to {1}
        open-store: - | open up | {0}
        close-store: - | shut | {0}
        fetch: - | take | {0} | out of {1}
        put-back: - | return | {0} | to {1}
        put-down: - | place | {0} | on {1}
        pick-up: - | grab | {0} | off {1}
        wash: - | rinse | {0} | in {1}
        chop: - | cut | {0} | on {1}
        turn-on: - | switch on | {0}
        turn-off: - | switch off | {0}
        put-in-pan: - | place | {0} | into {1} | on {2}
        cook: - | cook | {0} | using {1} | on the stove {2}
        take-from-pan: - | lift | {0} | out of {1} | on {2}
        plate-up: - | arrange | {0} | on {1} | at {2}
        serve: - | serve | {0} | to {1}
    """,
    "storage": """
        lift: {0} | pick up | {1} | from {2} | (part of {4}) | while at {3}
        drop: {0} | set down | {1} | at {2} | (part of {4}) | while at {3}
        move: {0} | drive | - | from {1} | over to {2}
        go-out: {0} | exit | - | from {1} | to {2}
        go-in: {0} | enter | - | from {1} | into {2}
    """,
    "tabletop": """
        pick: - | grab | {0} | off {1}
        place: - | set | {0} | on {1}
        put-down: - | lay | {0} | on {1}
        unstack: - | take | {0} | off the top of {1}
        stack: - | place | {0} | on top of {1}
        put-in: - | drop | {0} | into {1}
        take-out: - | remove | {0} | from {1}
        open-lid: - | take | the lid {0} | off {1}
        close-lid: - | put | the lid {0} | back on {1}
    """,
    "termes": """
        move: - | drive | - | from {0} | over to {1} | staying at height {2}
        move-up: - | climb up | - | from {0} | at height {1} | to {2} | at height {3}
        move-down: - | climb down | - | from {0} | at height {1} | to {2} | at height {3}
        place-block: - | put down | the block | on {1} | while standing at {0}
            | (height {2} to {3})
        remove-block: - | pick up | the block | on {1} | while standing at {0}
            | (height {2} to {3})
        create-block: - | get | a new block | from the depot {0}
        destroy-block: - | return | the block | to the depot {0}
    """,
    "tyreworld": """
        open: - | open up | {0}
        close: - | shut | {0}
        fetch: - | take | {0} | out of {1}
        put-away: - | return | {0} | to {1}
        loosen: - | loosen | the nut {0} | of {1} | with the wrench
        tighten: - | tighten | the nut {0} | of {1} | with the wrench
        jack-up: - | raise | {0} | with the jack
        jack-down: - | lower | {0} | with the jack
        undo: - | unscrew | the nut {0} | of {1}
        do-up: - | screw on | the nut {0} | of {1}
        remove-wheel: - | take off | the wheel {0} | of {1}
        put-on-wheel: - | mount | the wheel {0} | on {1}
        inflate: - | pump up | {0}
    """,
}
"""Tables of phrases by domain; see :func:`~surefoot.pddl.writing.phrases.read_phrases`."""

OWN_PHRASES = {
    "freight": """
        load-truck: - | load | {0} | into {1} | at {2}
        unload-truck: - | unload | {0} | from {1} | at {2}
        drive-truck: - | drive | {0} | from {1} | to {2} | within {3}
        load-airplane: - | load | {0} | onto {1} | at {2}
        unload-airplane: - | unload | {0} | from {1} | at {2}
        fly-airplane: - | fly | {0} | from {1} | to {2}
    """,
}
"""The table of the domain that only the first set for validation has."""
