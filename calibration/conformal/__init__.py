"""Sets of labels that contain the truth with a stated probability."""
