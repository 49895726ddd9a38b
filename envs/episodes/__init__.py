"""Episodes of a policy in an environment: run, monitored, recorded, counted."""
