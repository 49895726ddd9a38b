"""Calibration artefacts, their records, and the report."""
