"""The `mithaq` command."""

from mithaq.cli.app import main

__all__ = ["main"]
