"""What planners learn from: drawn corpora, and samples that were verified."""
