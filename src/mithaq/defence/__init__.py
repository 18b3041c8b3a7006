"""Defence: what matched in our own telemetry, what people made of it, and what partners are told (house.md 2)."""

from mithaq.config import Defence as Limits
from mithaq.defence.cycle import looked_for
from mithaq.defence.evidence import Evidence
from mithaq.defence.gate import LIMITS, Case, No, Prevalence, gate
from mithaq.defence.held import count_after, fresh, held, in_force, newest, standing
from mithaq.defence.live import (
    Audience,
    as_told,
    asides,
    let_back,
    renewed,
    set_aside,
    tell,
    waiting,
)
from mithaq.defence.recording import Recorded, Watched, record
from mithaq.defence.releasing import Released, go_on, release
from mithaq.defence.seeing import known
from mithaq.defence.sightings import Said
from mithaq.defence.triage import (
    STATES,
    VERDICTS,
    Detail,
    Hits,
    Verdict,
    allow,
    assign,
    hits,
    judge,
    note,
    show,
    suppress,
    suppressions,
)
from mithaq.defence.weighing import Weighed
from mithaq.store.matches import Which
from mithaq.store.suppressions import Suppression

__all__ = [
    "LIMITS", "STATES", "VERDICTS", "Audience", "Case", "Detail", "Evidence", "Hits", "Limits", "No", "Prevalence",
    "Recorded", "Released", "Said", "Suppression", "Verdict", "Watched", "Weighed", "Which", "allow", "as_told",
    "asides", "assign", "count_after", "fresh", "gate", "go_on", "held", "hits", "in_force", "judge", "known",
    "let_back", "looked_for", "newest", "note", "record", "release", "renewed", "set_aside", "show", "standing",
    "suppress", "suppressions", "tell", "waiting",
]  # fmt: skip
