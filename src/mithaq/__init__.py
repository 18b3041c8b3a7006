"""Mithaq: nations defend their cyberspace together, under agreements that software reads and enforces."""
