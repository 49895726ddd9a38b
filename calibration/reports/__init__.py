"""Calibration artefacts, the records that they are made of, and the report."""
