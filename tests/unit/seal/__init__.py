"""Tests of signatures, trees and sealed messages."""
