"""What partners and we gave each other: who has what, when, what it was worth, and the digest of a period."""
