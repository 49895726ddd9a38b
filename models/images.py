"""Encoding of images for models."""

from __future__ import annotations

import base64


def data_url(image: bytes) -> str:
    """Returns a PNG file as a data URL."""
    return f"data:image/png;base64,{base64.b64encode(image).decode()}"
