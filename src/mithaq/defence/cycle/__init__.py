"""The defence cycle: threat, technique, seen, stopped, gap, owner, proof, and round again."""

from mithaq.defence.cycle.acts import (
    KINDS,
    NoMitigation,
    NoTechnique,
    accept,
    assess,
    assign,
    prioritise,
    prove,
)
from mithaq.defence.cycle.reading import looked_for, read_all_out, read_out
from mithaq.defence.cycle.standing import Cycle, Technique, named, stand
from mithaq.defence.cycle.suggesting import Idle, Measure, Next, Work, said_of, suggest

__all__ = [
    "KINDS", "Cycle", "Idle", "Measure", "Next", "NoMitigation", "NoTechnique", "Technique", "Work", "accept",
    "assess", "assign", "looked_for", "named", "prioritise", "prove", "read_all_out", "read_out", "said_of", "stand",
    "suggest",
]  # fmt: skip
