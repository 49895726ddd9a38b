"""Monitoring whether a calibration still holds, and recalibration."""
