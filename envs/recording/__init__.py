"""Videos, contact sheets and logs of episodes."""
