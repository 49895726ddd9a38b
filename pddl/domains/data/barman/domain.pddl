; A two-handed bartender mixes two-part cocktails in shakers and serves them in shots.

(define (domain barman)
  (:requirements :strips :typing)

  (:types
    hand level dispenser - object
    beverage container - object
    ingredient cocktail - beverage
    shot shaker - container)

  (:predicates
    ; hands and where containers are
    (handempty ?h - hand)
    (holding ?h - hand ?c - container)
    (ontable ?c - container)
    ; state of a container
    (empty ?c - container)
    (clean ?c - container)
    (contains ?c - container ?b - beverage)
    (used ?c - container ?b - beverage)
    ; shakers
    (unshaked ?s - shaker)
    (shaked ?s - shaker)
    (shaker-level ?s - shaker ?l - level)
    (shaker-empty-level ?s - shaker ?l - level)
    ; fixed facts
    (next ?l1 ?l2 - level)
    (dispenses ?d - dispenser ?i - ingredient)
    (cocktail-part1 ?c - cocktail ?i - ingredient)
    (cocktail-part2 ?c - cocktail ?i - ingredient))

  ; hands ------------------------------------------------------------------
  (:action grasp
    :parameters (?h - hand ?c - container)
    :precondition (and (handempty ?h) (ontable ?c))
    :effect (and (holding ?h ?c) (not (handempty ?h)) (not (ontable ?c))))

  (:action leave
    :parameters (?h - hand ?c - container)
    :precondition (holding ?h ?c)
    :effect (and (ontable ?c) (handempty ?h) (not (holding ?h ?c))))

  ; shots ------------------------------------------------------------------
  (:action fill-shot
    :parameters (?s - shot ?i - ingredient ?h1 ?h2 - hand ?d - dispenser)
    :precondition (and
      (holding ?h1 ?s) (handempty ?h2) (dispenses ?d ?i)
      (clean ?s) (empty ?s))
    :effect (and
      (contains ?s ?i) (used ?s ?i)
      (not (clean ?s)) (not (empty ?s))))

  (:action refill-shot
    :parameters (?s - shot ?i - ingredient ?h1 ?h2 - hand ?d - dispenser)
    :precondition (and
      (holding ?h1 ?s) (handempty ?h2) (dispenses ?d ?i)
      (used ?s ?i) (empty ?s))
    :effect (and (contains ?s ?i) (not (empty ?s))))

  (:action empty-shot
    :parameters (?h - hand ?p - shot ?b - beverage)
    :precondition (and (holding ?h ?p) (contains ?p ?b))
    :effect (and (empty ?p) (not (contains ?p ?b))))

  (:action clean-shot
    :parameters (?s - shot ?b - beverage ?h1 ?h2 - hand)
    :precondition (and (holding ?h1 ?s) (handempty ?h2) (used ?s ?b) (empty ?s))
    :effect (and (clean ?s) (not (used ?s ?b))))

  ; from shot to shaker ----------------------------------------------------
  (:action pour-shot-to-clean-shaker
    :parameters (?s - shot ?i - ingredient ?d - shaker ?h1 - hand ?l ?l1 - level)
    :precondition (and
      (holding ?h1 ?s) (contains ?s ?i)
      (clean ?d) (empty ?d)
      (shaker-level ?d ?l) (next ?l ?l1))
    :effect (and
      (empty ?s) (not (contains ?s ?i))
      (contains ?d ?i) (unshaked ?d) (not (clean ?d)) (not (empty ?d))
      (shaker-level ?d ?l1) (not (shaker-level ?d ?l))))

  (:action pour-shot-to-used-shaker
    :parameters (?s - shot ?i - ingredient ?d - shaker ?h1 - hand ?l ?l1 - level)
    :precondition (and
      (holding ?h1 ?s) (contains ?s ?i)
      (unshaked ?d)
      (shaker-level ?d ?l) (next ?l ?l1))
    :effect (and
      (empty ?s) (not (contains ?s ?i))
      (contains ?d ?i)
      (shaker-level ?d ?l1) (not (shaker-level ?d ?l))))

  ; shakers ----------------------------------------------------------------
  (:action empty-shaker
    :parameters (?h - hand ?s - shaker ?b - cocktail ?l ?l1 - level)
    :precondition (and
      (holding ?h ?s) (shaked ?s) (contains ?s ?b)
      (shaker-level ?s ?l) (shaker-empty-level ?s ?l1))
    :effect (and
      (empty ?s) (not (contains ?s ?b)) (not (shaked ?s))
      (not (shaker-level ?s ?l)) (shaker-level ?s ?l1)))

  (:action clean-shaker
    :parameters (?h1 ?h2 - hand ?s - shaker)
    :precondition (and (holding ?h1 ?s) (handempty ?h2) (empty ?s))
    :effect (clean ?s))

  (:action shake
    :parameters (?b - cocktail ?d1 ?d2 - ingredient ?s - shaker ?h1 ?h2 - hand)
    :precondition (and
      (holding ?h1 ?s) (handempty ?h2) (unshaked ?s)
      (cocktail-part1 ?b ?d1) (contains ?s ?d1)
      (cocktail-part2 ?b ?d2) (contains ?s ?d2))
    :effect (and
      (shaked ?s) (not (unshaked ?s))
      (contains ?s ?b) (not (contains ?s ?d1)) (not (contains ?s ?d2))))

  (:action pour-shaker-to-shot
    :parameters (?b - beverage ?d - shot ?h - hand ?s - shaker ?l ?l1 - level)
    :precondition (and
      (holding ?h ?s) (shaked ?s) (contains ?s ?b)
      (clean ?d) (empty ?d)
      (shaker-level ?s ?l) (next ?l1 ?l))
    :effect (and
      (contains ?d ?b) (not (clean ?d)) (not (empty ?d))
      (shaker-level ?s ?l1) (not (shaker-level ?s ?l)))))
