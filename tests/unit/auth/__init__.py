"""Tests of who may ask for what."""
