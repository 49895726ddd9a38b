"""The planners themselves: language models, searches, reference programs, damaged ones."""
