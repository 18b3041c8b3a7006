"""Files of detection rules: each rule that stands on its own becomes an indicator, its text as it is."""

from mithaq.formats.rules.sigma import Sigma
from mithaq.formats.rules.yara import Yara

__all__ = ["Sigma", "Yara"]
