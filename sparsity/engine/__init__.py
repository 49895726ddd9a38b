"""The engine: one block of a model at a time, from its checkpoint to a compressed one."""
