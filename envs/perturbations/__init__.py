"""Seeded perturbations by severity: images, physics, timing."""
