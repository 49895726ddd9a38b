"""Sets of labels that hold the truth with a stated probability."""
