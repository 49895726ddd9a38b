"""The study of the Lottery Image Prior."""
