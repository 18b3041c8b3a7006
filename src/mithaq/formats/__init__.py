"""Parsers of what comes in: bytes to objects. Pure: no I/O, clock or SQL."""
