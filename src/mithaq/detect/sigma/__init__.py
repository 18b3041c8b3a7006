"""Sigma rules: texts in, rules that can be evaluated out, and why each of the others cannot be."""

from mithaq.detect.sigma.correlations import Correlation
from mithaq.detect.sigma.rules import Compiled, Evaluable, compiled, evaluable
from mithaq.detect.sigma.sources import TELEMETRY
from mithaq.detect.sigma.streams import Correlator

__all__ = [
    "TELEMETRY",
    "Compiled",
    "Correlation",
    "Correlator",
    "Evaluable",
    "compiled",
    "evaluable",
]
