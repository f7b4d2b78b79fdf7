"""Operators that die at each of their effects, and what the next one makes of it."""
