"""Plans as programs: read from a list, JSON, restricted Python or numbered English steps."""
