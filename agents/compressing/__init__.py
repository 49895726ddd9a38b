"""What compression is told about this project's models: calibration texts, and tasks to try."""
