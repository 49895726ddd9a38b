"""Reports of compressions: figures of every layer, measurements, a page."""
