; Battery-driven robots deliver packages through a building with doors.

(define (domain delivery)
  (:requirements :strips :typing)

  (:types robot room door package level - object)

  (:predicates
    (at ?r - robot ?x - room)
    (package-in ?p - package ?x - room)
    (carrying ?r - robot ?p - package)
    (free ?r - robot)
    ; doors; "joins" is listed for both directions
    (joins ?d - door ?x - room ?y - room)
    (open ?d - door)
    (closed ?d - door)
    ; batteries
    (battery ?r - robot ?l - level)
    (below ?l1 - level ?l2 - level)       ; ?l1 is one unit less than ?l2
    (top ?l - level)
    (charger ?x - room))

  ; one unit of battery a room
  (:action go
    :parameters (?r - robot ?from - room ?to - room ?d - door ?l - level ?less - level)
    :precondition (and
      (at ?r ?from) (joins ?d ?from ?to) (open ?d)
      (battery ?r ?l) (below ?less ?l))
    :effect (and
      (not (at ?r ?from)) (at ?r ?to)
      (not (battery ?r ?l)) (battery ?r ?less)))

  (:action charge
    :parameters (?r - robot ?x - room ?l - level ?full - level)
    :precondition (and (at ?r ?x) (charger ?x) (battery ?r ?l) (top ?full))
    :effect (and (not (battery ?r ?l)) (battery ?r ?full)))

  ; doors need a free gripper
  (:action open-door
    :parameters (?r - robot ?d - door ?x - room ?y - room)
    :precondition (and (at ?r ?x) (joins ?d ?x ?y) (free ?r) (closed ?d))
    :effect (and (open ?d) (not (closed ?d))))

  (:action close-door
    :parameters (?r - robot ?d - door ?x - room ?y - room)
    :precondition (and (at ?r ?x) (joins ?d ?x ?y) (free ?r) (open ?d))
    :effect (and (closed ?d) (not (open ?d))))

  (:action pick-up
    :parameters (?r - robot ?p - package ?x - room)
    :precondition (and (at ?r ?x) (package-in ?p ?x) (free ?r))
    :effect (and (carrying ?r ?p) (not (free ?r)) (not (package-in ?p ?x))))

  (:action put-down
    :parameters (?r - robot ?p - package ?x - room)
    :precondition (and (at ?r ?x) (carrying ?r ?p))
    :effect (and (package-in ?p ?x) (free ?r) (not (carrying ?r ?p)))))
