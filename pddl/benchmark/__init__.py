"""The live bench: any planner on generated or given tasks, graded by execution."""
