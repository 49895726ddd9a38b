"""The study of word co-occurrence dynamics."""
