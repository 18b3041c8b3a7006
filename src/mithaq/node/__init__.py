"""Composition: a node is a value built from its settings; the worker moves it along."""

from mithaq.garbage import collect_seldom
from mithaq.node.build import Node, init, open_node

__all__ = ["Node", "collect_seldom", "init", "open_node"]
