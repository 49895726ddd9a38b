; A climbing robot builds towers of blocks. It fetches and returns blocks at a depot and
; needs ramps, which it must take down again if the goal wants flat ground.

(define (domain termes)
  (:requirements :strips :typing :negative-preconditions)

  (:types numb position - object)

  (:predicates
    (at ?p - position)
    (has-block)
    (height ?p - position ?h - numb)
    ; fixed facts
    (succ ?n1 - numb ?n2 - numb)            ; ?n1 = ?n2 + 1
    (neighbor ?p1 - position ?p2 - position)
    (is-depot ?p - position))

  ; driving and climbing
  (:action move
    :parameters (?from - position ?to - position ?h - numb)
    :precondition (and
      (at ?from) (neighbor ?from ?to)
      (height ?from ?h) (height ?to ?h))
    :effect (and (not (at ?from)) (at ?to)))

  (:action move-up
    :parameters (?from - position ?hfrom - numb ?to - position ?hto - numb)
    :precondition (and
      (at ?from) (neighbor ?from ?to)
      (height ?from ?hfrom) (height ?to ?hto) (succ ?hto ?hfrom))
    :effect (and (not (at ?from)) (at ?to)))

  (:action move-down
    :parameters (?from - position ?hfrom - numb ?to - position ?hto - numb)
    :precondition (and
      (at ?from) (neighbor ?from ?to)
      (height ?from ?hfrom) (height ?to ?hto) (succ ?hfrom ?hto))
    :effect (and (not (at ?from)) (at ?to)))

  ; the robot's own position has the lower of the two heights of the block's position
  (:action place-block
    :parameters (?rpos - position ?bpos - position ?hbefore - numb ?hafter - numb)
    :precondition (and
      (has-block) (at ?rpos) (neighbor ?rpos ?bpos) (not (is-depot ?bpos))
      (height ?rpos ?hbefore) (height ?bpos ?hbefore) (succ ?hafter ?hbefore))
    :effect (and
      (not (has-block))
      (not (height ?bpos ?hbefore)) (height ?bpos ?hafter)))

  (:action remove-block
    :parameters (?rpos - position ?bpos - position ?hbefore - numb ?hafter - numb)
    :precondition (and
      (not (has-block)) (at ?rpos) (neighbor ?rpos ?bpos)
      (height ?rpos ?hafter) (height ?bpos ?hbefore) (succ ?hbefore ?hafter))
    :effect (and
      (has-block)
      (not (height ?bpos ?hbefore)) (height ?bpos ?hafter)))

  ; the depot's supply is endless
  (:action create-block
    :parameters (?p - position)
    :precondition (and (at ?p) (is-depot ?p) (not (has-block)))
    :effect (has-block))

  (:action destroy-block
    :parameters (?p - position)
    :precondition (and (at ?p) (is-depot ?p) (has-block))
    :effect (not (has-block))))
