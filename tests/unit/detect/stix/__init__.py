"""STIX patterns."""
