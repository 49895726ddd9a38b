"""PDDL planning: language, validation, domains, reference planners and grading."""
