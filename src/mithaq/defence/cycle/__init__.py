"""The defence cycle: threat, technique, seen, stopped, gap, owner, proof, and round again."""

from mithaq.defence.cycle.acts import (
    KINDS,
    NoMitigation,
    NoTechnique,
    accept,
    assess,
    assign,
    number_of,
    prioritise,
    prove,
)
from mithaq.defence.cycle.layer import layer
from mithaq.defence.cycle.near import near
from mithaq.defence.cycle.past import HIGHEST, Change, change, keep, kept_at, reader
from mithaq.defence.cycle.reading import looked_for, read_all_out, read_out, versions
from mithaq.defence.cycle.standing import Cycle, Technique, named, stand, texts
from mithaq.defence.cycle.suggesting import Idle, Measure, Next, Work, said_of, suggest

__all__ = [
    "HIGHEST", "KINDS", "Change", "Cycle", "Idle", "Measure", "Next", "NoMitigation", "NoTechnique", "Technique",
    "Work", "accept", "assess", "assign", "change", "keep", "kept_at", "layer", "looked_for", "named", "near",
    "number_of", "prioritise", "prove", "read_all_out", "read_out", "reader", "said_of", "stand", "suggest",
    "texts", "versions",
]  # fmt: skip
