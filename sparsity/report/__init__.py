"""What a compression gained and lost: figures of every layer, measurements, a page."""
