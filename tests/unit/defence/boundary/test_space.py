"""What is of ours: by network and by name, never by a part of either."""

import pytest

from mithaq.defence.boundary.space import holds
from mithaq.model.values import recognised


@pytest.mark.parametrize(
    ("ours", "value", "held"),
    [
        ("example.net", "example.net", True),
        ("example.net", "mail.example.net", True),
        ("example.net", "notexample.net", False),
        ("mail.example.net", "example.net", False),
        ("198.18.0.0/22", "198.18.3.7", True),
        ("198.18.0.0/22", "198.18.4.0", False),
        ("198.18.0.0/22", "198.18.0.0/15", True),  # who blocks that blocks ours
        ("198.18.0.1", "198.18.0.1", True),
        ("2001:db8::/32", "2001:db8::1", True),
        ("198.18.0.0/22", "2001:db8::1", False),
        ("example.net", "198.18.0.1", False),
    ],
)
def test_a_value_is_ours_where_our_network_or_name_has_it(ours, value, held):
    assert holds(recognised(ours), recognised(value)) is held
