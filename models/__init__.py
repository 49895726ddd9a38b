"""Language models, searches and scripts behind a few small protocols."""
