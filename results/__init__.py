"""Run folders, statistics and reports; knows no planner, robot or model."""
