"""Monitoring of rules over growing and recorded traces."""
