"""Tests of what ships with the node."""
