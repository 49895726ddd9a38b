"""The study of "Know Where You're Uncertain": arms, worlds, episodes, figures."""
