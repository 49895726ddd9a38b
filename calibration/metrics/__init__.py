"""What is measured of sets, probabilities and decisions, each with an interval."""
