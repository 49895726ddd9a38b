"""A small generator of scenes as a prior: trained, made sparse, and used to restore."""
