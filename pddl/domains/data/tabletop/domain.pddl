; A fixed arm tidies a table: blocks, coloured pads, plates, bowls, bins, and boxes with lids.
;
; Only blocks are ever carried. A pad or a plate takes one block (others may stand on that
; block), the table and every container take any number. Blocks in a container lie loose.

(define (domain tabletop)
  (:requirements :strips :typing)

  (:types
    support container lid - object
    block surface - support
    table spot - surface
    pad plate - spot
    bowl bin box - container)

  (:predicates
    (hand-empty)
    (holding ?b - block)
    (on ?b - block ?s - support)
    (in ?b - block ?c - container)
    (clear ?b - block)               ; not held, not in a container, nothing on top
    (vacant ?s - surface)            ; takes another block; always true for a table
    (open ?c - container)
    (covers ?l - lid ?c - container)
    (aside ?l - lid)                 ; lies at its parking place
    (fits ?l - lid ?c - container))

  ; surfaces
  (:action pick
    :parameters (?b - block ?s - surface)
    :precondition (and (hand-empty) (on ?b ?s) (clear ?b))
    :effect (and
      (holding ?b) (not (hand-empty))
      (not (on ?b ?s)) (not (clear ?b)) (vacant ?s)))

  (:action place
    :parameters (?b - block ?s - spot)
    :precondition (and (holding ?b) (vacant ?s))
    :effect (and
      (hand-empty) (not (holding ?b))
      (on ?b ?s) (clear ?b) (not (vacant ?s))))

  (:action put-down
    :parameters (?b - block ?t - table)
    :precondition (holding ?b)
    :effect (and
      (hand-empty) (not (holding ?b))
      (on ?b ?t) (clear ?b)))

  ; blocks on blocks
  (:action unstack
    :parameters (?b - block ?under - block)
    :precondition (and (hand-empty) (on ?b ?under) (clear ?b))
    :effect (and
      (holding ?b) (not (hand-empty))
      (not (on ?b ?under)) (not (clear ?b)) (clear ?under)))

  (:action stack
    :parameters (?b - block ?under - block)
    :precondition (and (holding ?b) (clear ?under))
    :effect (and
      (hand-empty) (not (holding ?b))
      (on ?b ?under) (clear ?b) (not (clear ?under))))

  ; containers
  (:action put-in
    :parameters (?b - block ?c - container)
    :precondition (and (holding ?b) (open ?c))
    :effect (and (hand-empty) (not (holding ?b)) (in ?b ?c)))

  (:action take-out
    :parameters (?b - block ?c - container)
    :precondition (and (hand-empty) (in ?b ?c) (open ?c))
    :effect (and (holding ?b) (not (hand-empty)) (not (in ?b ?c))))

  (:action open-lid
    :parameters (?l - lid ?c - container)
    :precondition (and (hand-empty) (covers ?l ?c))
    :effect (and (open ?c) (aside ?l) (not (covers ?l ?c))))

  (:action close-lid
    :parameters (?l - lid ?c - container)
    :precondition (and (hand-empty) (aside ?l) (fits ?l ?c) (open ?c))
    :effect (and (covers ?l ?c) (not (aside ?l)) (not (open ?c)))))
