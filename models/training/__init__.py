"""Training of the project's own small models from its own generators and simulators."""
