"""Parts of the study of Read-ME."""
