"""Restoring pictures by an untrained network and its sparse tickets (Lottery Image Prior)."""
