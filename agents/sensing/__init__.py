"""Where to look next: strategies, and how informative views are."""
