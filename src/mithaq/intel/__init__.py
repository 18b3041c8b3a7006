"""Intelligence: what we hold, added, found, related and marked by our own people (house.md 2)."""

from mithaq.intel.authoring.drafts import Change
from mithaq.intel.authoring.history import Past, Waiting, history, waiting
from mithaq.intel.authoring.writing import (
    Draft,
    NotOurs,
    Overtaken,
    Terms,
    new,
    own,
    restored,
    revised,
    revoked,
    store,
    targets,
)
from mithaq.intel.finding.searching import (
    Neighbour,
    Related,
    beside,
    called,
    look_up,
    relate,
    search,
    value,
)
from mithaq.intel.keeping.service import (
    Added,
    Incoming,
    Rejected,
    add,
    mark,
    marking,
    members,
    read_all_out,
    read_out,
    received,
    recent,
    source,
    take,
    unknown_recipients,
    versions,
    worked_on,
)
from mithaq.intel.partners.sharing import (
    Asked,
    Came,
    Holding,
    Other,
    Whereabouts,
    by,
    came,
    who_has,
)
from mithaq.intel.partners.timeline import Event, between, timeline
from mithaq.intel.rules import Caveats, Filters, caveats, layout, level, readers, title
from mithaq.intel.trends.emerged import Emerging, Finding, OfFamily
from mithaq.intel.trends.emerging import Horizon, count_on, emerging, is_partner
from mithaq.store.judgements import Judgement
from mithaq.store.objects import Copy
from mithaq.store.sets import SetVersion
from mithaq.store.sources import Source
from mithaq.store.values import Known

__all__ = [
    "Added", "Asked", "Came", "Caveats", "Change", "Copy", "Draft", "Emerging", "Event", "Filters", "Finding",
    "Holding", "Horizon", "Incoming", "Judgement", "Known", "Neighbour", "NotOurs", "OfFamily", "Other", "Overtaken",
    "Past", "Rejected", "Related", "SetVersion", "Source", "Terms", "Waiting", "Whereabouts", "add", "beside",
    "between", "by", "called", "came", "caveats", "count_on", "emerging", "history", "is_partner", "layout", "level",
    "look_up", "mark", "marking", "members", "new", "own", "read_all_out", "read_out", "readers", "received", "recent",
    "relate", "restored", "revised", "revoked", "search", "source", "store", "take", "targets", "timeline", "title",
    "unknown_recipients", "value", "versions", "waiting", "who_has", "worked_on",
]  # fmt: skip
