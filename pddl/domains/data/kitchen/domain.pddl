; A one-handed kitchen robot prepares food and serves it on plates.
;
; Food is washed in the hand, chopped on the board, and cooked in a pan on a stove that is
; on. Only clean food may be chopped, cooked or plated; cooked food can no longer be chopped.

(define (domain kitchen)
  (:requirements :strips :typing)

  (:types
    station food pan plate - object
    store bench stove - station
    sink board table - bench)

  (:predicates
    ; robot
    (robot-at ?s - station)
    (hand-free)
    (holding ?f - food)
    ; where food is
    (stored ?f - food ?s - store)
    (lies-on ?f - food ?b - bench)
    (in-pan ?f - food ?p - pan)
    (on-plate ?f - food ?p - plate)
    ; how food is
    (dirty ?f - food)
    (clean ?f - food)
    (whole ?f - food)                 ; can be chopped
    (chopped ?f - food)
    (raw ?f - food)
    (cooked ?f - food)
    ; stores, stove, pans, plates
    (open ?s - store)
    (closed ?s - store)
    (stove-on ?s - stove)
    (stove-off ?s - stove)
    (pan-on ?p - pan ?s - stove)
    (pan-empty ?p - pan)
    (plate-on ?p - plate ?t - table)
    (unserved ?p - plate)
    (served ?p - plate))

  (:action go
    :parameters (?from - station ?to - station)
    :precondition (robot-at ?from)
    :effect (and (not (robot-at ?from)) (robot-at ?to)))

  ; stores -----------------------------------------------------------------
  (:action open-store
    :parameters (?s - store)
    :precondition (and (robot-at ?s) (hand-free) (closed ?s))
    :effect (and (open ?s) (not (closed ?s))))

  (:action close-store
    :parameters (?s - store)
    :precondition (and (robot-at ?s) (hand-free) (open ?s))
    :effect (and (closed ?s) (not (open ?s))))

  (:action fetch
    :parameters (?f - food ?s - store)
    :precondition (and (robot-at ?s) (hand-free) (open ?s) (stored ?f ?s))
    :effect (and (holding ?f) (not (hand-free)) (not (stored ?f ?s))))

  (:action put-back
    :parameters (?f - food ?s - store)
    :precondition (and (robot-at ?s) (open ?s) (holding ?f))
    :effect (and (stored ?f ?s) (hand-free) (not (holding ?f))))

  ; benches ----------------------------------------------------------------
  (:action put-down
    :parameters (?f - food ?b - bench)
    :precondition (and (robot-at ?b) (holding ?f))
    :effect (and (lies-on ?f ?b) (hand-free) (not (holding ?f))))

  (:action pick-up
    :parameters (?f - food ?b - bench)
    :precondition (and (robot-at ?b) (hand-free) (lies-on ?f ?b))
    :effect (and (holding ?f) (not (hand-free)) (not (lies-on ?f ?b))))

  (:action wash
    :parameters (?f - food ?k - sink)
    :precondition (and (robot-at ?k) (holding ?f) (dirty ?f))
    :effect (and (clean ?f) (not (dirty ?f))))

  (:action chop
    :parameters (?f - food ?b - board)
    :precondition (and
      (robot-at ?b) (hand-free) (lies-on ?f ?b)
      (clean ?f) (raw ?f) (whole ?f))
    :effect (and (chopped ?f) (not (whole ?f))))

  ; stove ------------------------------------------------------------------
  (:action turn-on
    :parameters (?s - stove)
    :precondition (and (robot-at ?s) (stove-off ?s))
    :effect (and (stove-on ?s) (not (stove-off ?s))))

  (:action turn-off
    :parameters (?s - stove)
    :precondition (and (robot-at ?s) (stove-on ?s))
    :effect (and (stove-off ?s) (not (stove-on ?s))))

  (:action put-in-pan
    :parameters (?f - food ?p - pan ?s - stove)
    :precondition (and
      (robot-at ?s) (pan-on ?p ?s) (pan-empty ?p)
      (holding ?f) (clean ?f))
    :effect (and
      (in-pan ?f ?p) (not (pan-empty ?p))
      (hand-free) (not (holding ?f))))

  (:action cook
    :parameters (?f - food ?p - pan ?s - stove)
    :precondition (and
      (robot-at ?s) (pan-on ?p ?s) (stove-on ?s)
      (in-pan ?f ?p) (raw ?f))
    :effect (and (cooked ?f) (not (raw ?f))))

  (:action take-from-pan
    :parameters (?f - food ?p - pan ?s - stove)
    :precondition (and (robot-at ?s) (pan-on ?p ?s) (in-pan ?f ?p) (hand-free))
    :effect (and
      (holding ?f) (not (hand-free))
      (pan-empty ?p) (not (in-pan ?f ?p))))

  ; serving ----------------------------------------------------------------
  (:action plate-up
    :parameters (?f - food ?p - plate ?t - table)
    :precondition (and
      (robot-at ?t) (plate-on ?p ?t) (unserved ?p)
      (holding ?f) (clean ?f))
    :effect (and (on-plate ?f ?p) (hand-free) (not (holding ?f))))

  (:action serve
    :parameters (?p - plate ?t - table)
    :precondition (and (robot-at ?t) (plate-on ?p ?t) (unserved ?p) (hand-free))
    :effect (and (served ?p) (not (unserved ?p)))))
