"""The console: screens for the people who work at a node (house.md 2). It decides nothing and asks no table."""
