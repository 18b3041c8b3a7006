"""Signatures, trees and sealed messages: pure functions from bytes to bytes (border.md 4, 5, 9)."""
