"""Where to look next: strategies, and what views are known to tell."""
