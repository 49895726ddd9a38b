; Robots paint a floor of tiles with spray guns; a painted tile can no longer be entered.

(define (domain floortile)
  (:requirements :strips :typing :action-costs)

  (:types robot tile color - object)

  (:predicates
    (robot-at ?r - robot ?x - tile)
    (robot-has ?r - robot ?c - color)
    (free-color ?r - robot)               ; kept for published files; no action uses it
    (available-color ?c - color)
    (clear ?x - tile)                     ; unpainted and without a robot
    (painted ?x - tile ?c - color)
    ; the first tile lies in that direction of the second
    (up ?x - tile ?y - tile)
    (down ?x - tile ?y - tile)
    (left ?x - tile ?y - tile)
    (right ?x - tile ?y - tile))

  (:functions (total-cost) - number)

  (:action change-color
    :parameters (?r - robot ?c - color ?c2 - color)
    :precondition (and (robot-has ?r ?c) (available-color ?c2))
    :effect (and
      (not (robot-has ?r ?c)) (robot-has ?r ?c2)
      (increase (total-cost) 5)))

  ; painting: robot on ?x, tile ?y
  (:action paint-up
    :parameters (?r - robot ?y - tile ?x - tile ?c - color)
    :precondition (and (robot-at ?r ?x) (up ?y ?x) (clear ?y) (robot-has ?r ?c))
    :effect (and
      (painted ?y ?c) (not (clear ?y))
      (increase (total-cost) 2)))

  (:action paint-down
    :parameters (?r - robot ?y - tile ?x - tile ?c - color)
    :precondition (and (robot-at ?r ?x) (down ?y ?x) (clear ?y) (robot-has ?r ?c))
    :effect (and
      (painted ?y ?c) (not (clear ?y))
      (increase (total-cost) 2)))

  ; moving: from ?x to ?y
  (:action up
    :parameters (?r - robot ?x - tile ?y - tile)
    :precondition (and (robot-at ?r ?x) (up ?y ?x) (clear ?y))
    :effect (and
      (not (robot-at ?r ?x)) (clear ?x)
      (robot-at ?r ?y) (not (clear ?y))
      (increase (total-cost) 3)))

  (:action down
    :parameters (?r - robot ?x - tile ?y - tile)
    :precondition (and (robot-at ?r ?x) (down ?y ?x) (clear ?y))
    :effect (and
      (not (robot-at ?r ?x)) (clear ?x)
      (robot-at ?r ?y) (not (clear ?y))
      (increase (total-cost) 1)))

  (:action right
    :parameters (?r - robot ?x - tile ?y - tile)
    :precondition (and (robot-at ?r ?x) (right ?y ?x) (clear ?y))
    :effect (and
      (not (robot-at ?r ?x)) (clear ?x)
      (robot-at ?r ?y) (not (clear ?y))
      (increase (total-cost) 1)))

  (:action left
    :parameters (?r - robot ?x - tile ?y - tile)
    :precondition (and (robot-at ?r ?x) (left ?y ?x) (clear ?y))
    :effect (and
      (not (robot-at ?r ?x)) (clear ?x)
      (robot-at ?r ?y) (not (clear ?y))
      (increase (total-cost) 1))))
