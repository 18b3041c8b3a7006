"""Detection: rules, indicators and patterns are compiled once, and events go through what they came to."""
