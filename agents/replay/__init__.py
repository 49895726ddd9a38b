"""What an agent thought in an episode, as a page."""
