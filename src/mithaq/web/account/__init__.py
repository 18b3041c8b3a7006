"""Accounts: how people who act here come in."""
