"""A small generator of scenes as a prior for restoration: training and sparse tickets."""
