"""Three nations on one machine exchange real intelligence: for newcomers, and as a test of the whole."""

from mithaq.demo.story import run

__all__ = ["run"]
