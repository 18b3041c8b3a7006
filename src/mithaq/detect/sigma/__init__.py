"""Sigma rules: texts in, rules that can be evaluated out, and why each of the others cannot be."""

from mithaq.detect.sigma.rules import Compiled, Evaluable, compiled, evaluable
from mithaq.detect.sigma.sources import TELEMETRY

__all__ = ["TELEMETRY", "Compiled", "Evaluable", "compiled", "evaluable"]
