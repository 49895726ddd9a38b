"""Writing and loading of compressed models."""
