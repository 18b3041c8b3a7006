"""What a decision is made from: values only; a consent, an approval or a shelf row is input, never looked up."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field

import msgspec

from mithaq.model.labels import Beside, Label, Tlp
from mithaq.model.markings import Marking
from mithaq.model.objects import Object
from mithaq.policy.agreement import DEFENCE
from mithaq.policy.decision import Rule
from mithaq.policy.lifecycle import Instants

Key = Hashable  # names one candidate; opaque to the decision


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Whom a release is for."""

    name: str  # the party's name, or the client's
    country: str
    node: bool = True  # False: an ordinary TAXII client
    identities: frozenset[str] = frozenset()
    readers: frozenset[str] = frozenset()  # reader ids of its signed list
    constituency_of: str = ""
    need_to_know: bool = False  # a client in the need-to-know groups


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who proposes or approves."""

    name: str
    roles: frozenset[str] = frozenset()
    clearance: Tlp = Tlp.CLEAR


class Candidate(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A stored version as it might leave."""

    key: Key
    object: Object
    voucher: str  # a party, or a source
    own: bool  # standing: we vouch as owner
    owner: str = ""  # the party that speaks for it, if any
    sent_by: str = ""  # who handed it to us
    via: frozenset[str] | None = (
        None  # community of the agreement or source it came under; None: none
    )
    via_agreement: str = ""
    via_parties: frozenset[str] = (
        frozenset()
    )  # of the agreement it came under; ``scope`` reaches them alone
    via_purposes: frozenset[str] | None = None  # that the agreement it came under names; None: none
    onward: str = "none"  # of the entry it came with
    from_client: bool = False  # posted by a client and not adopted
    relayed: bool = False  # vouched by another party: passing it on is a relay of exact bytes
    author: str = ""
    beside: Beside = Beside()
    markings: Mapping[str, Marking] | None = None  # as its voucher defines them; None: as the rest
    readers: Mapping[str, frozenset[str]] = msgspec.field(default_factory=dict)
    newest: bool = True  # the newest admitted version of its id from its voucher
    label_floor: Label = Label()  # raised by a later version of the owner's (border.md 2.9)
    lowers: bool = False  # an own version whose level is below the version before it
    forged: bool = False  # came under a forged fixed marking
    disowned: bool = False  # claims a creator who is enrolled and did not vouch
    benign: tuple[str, ...] = ()  # lists of what is harmless that what it names is on


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A row on a shelf as it stands before the decision."""

    peer: str
    agreement: str
    key: Key
    id: str
    version: str
    view: str  # digest
    removed: frozenset[str]
    since: str
    body: Mapping[str, object] = field(
        default_factory=dict, repr=False
    )  # of the view, for comparison


@dataclass(frozen=True, slots=True, kw_only=True)
class Approval:
    """A second person's yes to exact bytes (border.md 2.8)."""

    key: Key
    agreement_digest: str
    peers: frozenset[str]
    view: str
    proposer: str
    approver: Person
    standing: bool = False  # given beforehand, by a director (``policy.standing``)


@dataclass(frozen=True, slots=True, kw_only=True)
class Consent:
    """An owner's signed consent to pass one version on to one recipient, for one purpose."""

    by: str
    id: str
    version: str
    recipient: str
    purpose: str = DEFENCE


@dataclass(frozen=True, slots=True, kw_only=True)
class Recall:
    """An order by the owner; ``version`` None means all versions up to ``issued``."""

    by: str
    id: str
    version: str | None
    issued: str
    agreement: str | None = None
    peers: frozenset[str] | None = None
    view: str | None = None  # digest of the view it names
    brought_by: str = ""  # it reaches what this relay brought, and nothing else; empty: all


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A standing no above all agreements (``policy.blocks``); what is left empty is not asked for."""

    power: Rule  # rupture | restriction
    name: str  # the party, or the restriction's number
    by: str = ""  # the nation whose rupture it is
    to: frozenset[str] = frozenset()  # parties or countries; empty: everybody
    kinds: frozenset[str] = frozenset()
    ids: frozenset[str] = frozenset()
    sources: frozenset[str] = frozenset()  # parties, or feeds and files as kind:name
    markings: frozenset[str] = (
        frozenset()
    )  # ids of definitions; a level stands for itself and all above it
    labels: frozenset[str] = frozenset()  # words of ``labels``, in small letters
    since: str = ""
    until: str = ""
    basis: str = ""  # the law it rests on


@dataclass(frozen=True, slots=True, kw_only=True)
class Situation:
    """Everything around the candidates at one moment."""

    us: str
    country: str
    identities: frozenset[str]  # ours
    peers: Mapping[str, Peer]
    purpose: str
    instants: Instants
    markings: Mapping[str, Marking]  # besides the fixed ones
    reference_ids: frozenset[str] = frozenset()
    shelves: tuple[
        Standing, ...
    ] = ()  # what stands; rows that other agreements have just lost are not in it
    past: tuple[
        Standing, ...
    ] = ()  # first views of an agreement of many whose rows are gone (border.md 5.3)
    known: Mapping[str, frozenset[str]] = field(
        default_factory=dict
    )  # peer -> ids it owns or sent us, as far as no candidate shows it; recalled ones are not in it
    came: Mapping[str, frozenset[str]] = field(
        default_factory=dict
    )  # the same for an agreement of many, of what came under it alone: to its owner, who sent it, all by scope
    approvals: tuple[Approval, ...] = ()
    consents: tuple[Consent, ...] = ()
    recalls: tuple[Recall, ...] = ()
    blocks: tuple[Block, ...] = ()
