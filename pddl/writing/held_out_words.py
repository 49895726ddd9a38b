"""Other phrases for the actions, on which readers are only measured."""

from __future__ import annotations

ACTORS = {"rovers": "the rover"}
"""Who acts where no argument does in the domain that only held-out answers have."""

SYNONYMS = {
    "barman": """
        grasp: - | pick up | {1} | with the {0} hand
        leave: - | put | {1} | back on the table | with the {0} hand
        fill-shot: - | fill | {0} | with {1} | at {4} | using the {2} hand
            | while the {3} hand is empty
        refill-shot: - | refill | {0} | with {1} | at {4} | using the {2} hand
            | while the {3} hand is empty
        empty-shot: - | empty | {1} | (which contains {2}) | with the {0} hand
        clean-shot: - | clean | {0} | (which contained {1}) | using the {2} hand
            | while the {3} hand is empty
        pour-shot-to-clean-shaker: - | pour | the {1} in {0} | into the clean {2}
            | with the {3} hand | so that the shaker goes from level {4} to {5}
        pour-shot-to-used-shaker: - | pour | the {1} in {0} | into the used {2}
            | with the {3} hand | so that the shaker goes from level {4} to {5}
        empty-shaker: - | empty | {1} | (which contains {2}) | with the {0} hand
            | so that it goes from level {3} to {4}
        clean-shaker: - | clean | {2} | in the {0} hand | while the {1} hand is empty
        shake: - | shake | {3} | in the {4} hand | to mix {1} and {2} | into {0}
            | while the {5} hand is empty
        pour-shaker-to-shot: - | pour | {0} | from {3} | into {1} | with the {2} hand
            | taking the shaker from level {4} to {5}
    """,
    "blocksworld": """
        pickup: - | pick | {0} | up from the table
        putdown: - | place | {0} | back on the table
        stack: - | stack | {0} | on top of {1}
        unstack: - | unstack | {0} | from on top of {1}
    """,
    "delivery": """
        go: {0} | go | - | through {3} | from {1} | into {2} | using battery from {4} down to {5}
        charge: {0} | charge | - | in {1} | raising its battery from {2} to {3}
        open-door: {0} | open | {1} | from inside {2} | leading to {3}
        close-door: {0} | close | {1} | from inside {2} | leading to {3}
        pick-up: {0} | pick up | {1} | from {2}
        put-down: {0} | drop | {1} | in {2}
    """,
    "floortile": """
        change-color: {0} | change | color | from {1} | to {2}
        paint-up: {0} | paint | {1} | {3} | standing just below it on {2}
        paint-down: {0} | paint | {1} | {3} | standing just above it on {2}
        up: {0} | move | up | from {1} | to {2}
        down: {0} | move | down | from {1} | to {2}
        right: {0} | move | right | from {1} | to {2}
        left: {0} | move | left | from {1} | to {2}
    """,
    "grippers": """
        move: {0} | move | - | from {1} | to {2}
        pick: {0} | pick | {1} | up in {2} | using its gripper {3}
        drop: {0} | drop | {1} | in {2} | from its gripper {3}
    """,
    "kitchen": """
        go: - | go | - | from {0} | to {1}
        open-store: - | open | {0}
        close-store: - | close | {0} | again
        fetch: - | get | {0} | out of {1}
        put-back: - | put | {0} | back in {1}
        put-down: - | put | {0} | down on {1}
        pick-up: - | pick | {0} | up from {1}
        wash: - | wash | {0} | in {1}
        chop: - | chop | {0} | on {1}
        turn-on: - | turn on | {0}
        turn-off: - | turn off | {0}
        put-in-pan: - | put | {0} | into {1} | sitting on {2}
        cook: - | cook | {0} | in {1} | over {2}
        take-from-pan: - | take | {0} | out of {1} | sitting on {2}
        plate-up: - | plate | {0} | on {1} | at {2}
        serve: - | serve | {0} | at {1}
    """,
    "storage": """
        lift: {0} | lift | {1} | from {2} | in {4} | from its own position {3}
        drop: {0} | drop | {1} | at {2} | in {4} | from its own position {3}
        move: {0} | move | - | from {1} | over to {2}
        go-out: {0} | go | out of {1} | to {2}
        go-in: {0} | go | in from {1} | to {2}
    """,
    "tabletop": """
        pick: - | pick | {0} | up from {1}
        place: - | place | {0} | onto {1}
        put-down: - | put | {0} | down on {1}
        unstack: - | unstack | {0} | from on top of {1}
        stack: - | stack | {0} | onto {1}
        put-in: - | put | {0} | into {1}
        take-out: - | take | {0} | out of {1}
        open-lid: - | open | {1} | by taking {0} off
        close-lid: - | close | {1} | by putting {0} on
    """,
    "termes": """
        move: - | move | - | from {0} | to {1} | on the same height {2}
        move-up: - | move | up from {0} | at height {1} | to {2} | at height {3}
        move-down: - | move | down from {0} | at height {1} | to {2} | at height {3}
        place-block: - | place | the block | on {1} | from {0}
            | raising that position from height {2} to {3}
        remove-block: - | remove | the top block | of {1} | from {0}
            | lowering that position from height {2} to {3}
        create-block: - | create | a new block | at the depot {0}
        destroy-block: - | destroy | the block being carried | at the depot {0}
    """,
    "tyreworld": """
        open: - | open | {0}
        close: - | close | {0} | again
        fetch: - | get | {0} | out of {1}
        put-away: - | put | {0} | away in {1}
        loosen: - | loosen | {0} | on {1} | using the wrench
        tighten: - | tighten | {0} | on {1} | using the wrench
        jack-up: - | jack up | {0} | using the jack
        jack-down: - | lower | {0} | back to the ground
        undo: - | undo | {0} | on {1} | using the wrench
        do-up: - | do up | {0} | on {1} | using the wrench
        remove-wheel: - | remove | {0} | from {1}
        put-on-wheel: - | put | {0} | on {1}
        inflate: - | inflate | {0} | using the pump
    """,
}
"""Tables of phrases by domain; see :func:`~surefoot.pddl.writing.phrases.read_phrases`."""

OWN_PHRASES = {
    "rovers": """
        navigate: {0} | navigate | - | from {1} | to {2}
        sample-soil: {0} | sample | the soil | at {2} | into {1}
        sample-rock: {0} | sample | the rock | at {2} | into {1}
        empty-store: {1} | empty | {0}
        send-soil-data: {0} | send | the soil data of {2} | to {1} | from {3}
        send-rock-data: {0} | send | the rock data of {2} | to {1} | from {3}
    """,
}
"""The table of the domain that only held-out answers have."""
