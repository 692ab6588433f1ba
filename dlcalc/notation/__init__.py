"""Exam notation: text to exact numbers, symbols and expressions, and back.

`parse` reads, `plain`, `unicode` and `latex` write, `evaluate` computes. Nothing here knows of questions or
screens, and nothing imports SymPy or NumPy.
"""
