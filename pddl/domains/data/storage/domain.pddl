; Hoists carry crates out of containers and store them on the areas of depots.

(define (domain storage)
  (:requirements :strips :typing)

  ; Published files let "in" take (either storearea crate); the common parent "surface"
  ; accepts the same objects and is understood by more tools.
  (:types
    hoist place surface - object
    depot container - place
    area crate - surface
    storearea transitarea - area)

  (:predicates
    (at ?h - hoist ?a - area)
    (available ?h - hoist)
    (lifting ?h - hoist ?c - crate)
    (on ?c - crate ?s - storearea)
    (in ?x - surface ?p - place)
    (clear ?s - storearea)
    (connected ?a1 ?a2 - area)
    (compatible ?c1 ?c2 - crate))     ; kept for published files; no action uses it

  ; crates: the hoist stands on the neighbouring area ?a2
  (:action lift
    :parameters (?h - hoist ?c - crate ?a1 - storearea ?a2 - area ?p - place)
    :precondition (and
      (at ?h ?a2) (available ?h) (connected ?a1 ?a2)
      (on ?c ?a1) (in ?a1 ?p))
    :effect (and
      (lifting ?h ?c) (not (available ?h))
      (not (on ?c ?a1)) (clear ?a1) (not (in ?c ?p))))

  (:action drop
    :parameters (?h - hoist ?c - crate ?a1 - storearea ?a2 - area ?p - place)
    :precondition (and
      (at ?h ?a2) (lifting ?h ?c) (connected ?a1 ?a2)
      (clear ?a1) (in ?a1 ?p))
    :effect (and
      (available ?h) (not (lifting ?h ?c))
      (on ?c ?a1) (not (clear ?a1)) (in ?c ?p)))

  ; hoists: a store area is occupied by a hoist, a transit area never is
  (:action move
    :parameters (?h - hoist ?from ?to - storearea)
    :precondition (and (at ?h ?from) (connected ?from ?to) (clear ?to))
    :effect (and
      (not (at ?h ?from)) (clear ?from)
      (at ?h ?to) (not (clear ?to))))

  (:action go-out
    :parameters (?h - hoist ?from - storearea ?to - transitarea)
    :precondition (and (at ?h ?from) (connected ?from ?to))
    :effect (and (not (at ?h ?from)) (clear ?from) (at ?h ?to)))

  (:action go-in
    :parameters (?h - hoist ?from - transitarea ?to - storearea)
    :precondition (and (at ?h ?from) (connected ?from ?to) (clear ?to))
    :effect (and (not (at ?h ?from)) (at ?h ?to) (not (clear ?to)))))
