"""Episodes of a policy in an environment: run, watched, recorded, counted."""
