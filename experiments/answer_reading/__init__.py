"""How well answers are read: written answers whose meaning is known, read and checked."""
