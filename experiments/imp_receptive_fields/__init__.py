"""Parts of the study of receptive fields."""
