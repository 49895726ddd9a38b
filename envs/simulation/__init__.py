"""The physics below the environments."""
