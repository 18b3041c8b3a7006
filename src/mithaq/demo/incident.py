"""What Aurelia's own analysts found: an intrusion at a fictional operator, told against the real report."""

from collections.abc import Mapping

from mithaq.model.canonical import Json
from mithaq.model.ids import new_id
from mithaq.model.labels import Tlp
from mithaq.model.objects import Object, from_body

SEEN = "indicator--e8094b09-7df4-4b13-b207-1e27af3c4bde"  # an address in the report
MALWARE = "malware--591f0cb7-d66f-4e14-a8e6-5927b597f920"  # Poison Ivy, in the report
IMPLANT = "5f" * 32  # the digest of a file that was never there
OLD = "send.have8000.com"  # a name in the report, of 2015
REMOTE_SERVICES = "attack-pattern--10d51417-ee35-4589-b1ff-b6df1c334e8d"  # in ATT&CK


class Incident:
    """The objects of the incident, each with the level its analyst gives it."""

    def __init__(self, us: str, at: str, since: str) -> None:
        """Write them down.

        Args:
            us: our identity's id, their creator.
            at: instant of writing.
            since: instant from which the indicators count.
        """
        self._us = us
        self._at = at
        self.victim = self._object(
            "identity", name="Northwind Grid", identity_class="organization", sectors=["energy"]
        )
        self.indicator = self._object(
            "indicator",
            name="Callback of the variant at an energy operator",
            pattern="[domain-name:value = 'update.northwind-grid.example']",
            pattern_type="stix",
            valid_from=since,
            indicator_types=["malicious-activity"],
        )
        self.implant = self._object(
            "indicator",
            name="Implant of the variant",
            pattern=f"[file:hashes.'SHA-256' = '{IMPLANT}']",
            pattern_type="stix",
            valid_from=since,
            confidence=80,
            indicator_types=["malicious-activity"],
        )
        self.relation = self._object(
            "relationship",
            relationship_type="indicates",
            source_ref=self.indicator.id,
            target_ref=MALWARE,
        )
        self.sighting = self._object(
            "sighting",
            sighting_of_ref=SEEN,
            first_seen=at,
            last_seen=at,
            count=3,
            where_sighted_refs=[self.victim.id],
        )
        self.grouping = self._object(
            "grouping",
            name="Intrusion at an energy operator",
            description="Callbacks seen from the control network's jump host; contained.",
            context="suspicious-activity",
            object_refs=[
                self.indicator.id,
                self.implant.id,
                self.sighting.id,
                REMOTE_SERVICES,
                self.victim.id,
            ],
        )

    def _object(self, kind: str, **properties: Json) -> Object:
        body: dict[str, Json] = {
            "type": kind,
            "spec_version": "2.1",
            "id": new_id(kind),
            "created_by_ref": self._us,
            "created": self._at,
            "modified": self._at,
            **properties,
        }
        return from_body(body)

    @property
    def levels(self) -> Mapping[Object, Tlp]:
        """The objects in the order they are shown, each with its level."""
        return {
            self.indicator: Tlp.GREEN,
            self.implant: Tlp.GREEN,
            self.relation: Tlp.GREEN,
            self.sighting: Tlp.AMBER,
            self.grouping: Tlp.AMBER_STRICT,
            self.victim: Tlp.AMBER_STRICT,
        }
