"""Things that go wrong, seeded and by severity: images, physics, timing."""
