"""A vehicle at street crossings with lights, stop signs, cars and people on foot."""
