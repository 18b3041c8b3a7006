"""What a nation runs against any node or TAXII server before it trusts it: ``examine`` returns a report.

It asks as anybody may ask, and reads. Only with the other's consent does it write, and what it writes says what it is.
"""

from mithaq.exchange.conform.examine import Scope, examine
from mithaq.exchange.conform.report import Finding, Report, Verdict, Why
from mithaq.exchange.conform.rules import RULES, Part

__all__ = ["RULES", "Finding", "Part", "Report", "Scope", "Verdict", "Why", "examine"]
