"""Rules over traces, as they grow and as they were recorded."""
