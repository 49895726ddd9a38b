"""Writes known plans in English, to measure the reader of plans."""

from surefoot.verification.writing.study import ReadingCounts, count_readings
from surefoot.verification.writing.wordings import Wordings
from surefoot.verification.writing.writer import EnglishWriter, WrittenPlan

__all__ = ["EnglishWriter", "ReadingCounts", "Wordings", "WrittenPlan", "count_readings"]
