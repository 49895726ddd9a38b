"""Grades answers of language models to planning tasks: feasibility, optimality, error kinds."""
