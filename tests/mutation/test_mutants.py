"""The machine that plants slips: each has its own name, compiles, and changes one thing."""

from pathlib import Path

import pytest

from tests.mutation.mutants import compiled, function_in, mutants, optional_arguments
from tests.mutation.report import equivalent

ROOT = Path(__file__).parents[2] / "src" / "mithaq"
TEXT = '''"""Says what it is."""
LIMIT = 3
NAMES = frozenset({"one", "two"})


class Thing:
    size: int = 1

    def fits(self, many, *, exact=False):
        """Say whether many fit."""
        if not many or self.size <= LIMIT:
            return [n for n in sorted(many) if n > 0]
        raise ValueError("that is a sentence")


def use(thing):
    """Use it."""
    return thing.fits([1], exact=True)
'''


@pytest.fixture
def made(tmp_path):
    path = tmp_path / "thing.py"
    path.write_text(TEXT, "utf-8")
    return path, mutants("thing", path, optional_arguments(tmp_path))


def test_every_kind_of_slip_is_made_once_and_named(made):
    _, found = made

    assert sorted(m.name for m in found) == sorted(
        f"thing:{name}"
        for name in (
            ": 'one' -> not listed",
            ": 'two' -> not listed",
            ": 3 in LIMIT = 3 -> 4",
            "Thing: 1 in size: int = 1 -> 2",
            "Thing.fits: if not many or self.size <= LIMIT -> if False",
            "Thing.fits: if not many or self.size <= LIMIT -> if True",
            "Thing.fits: not many or self.size <= LIMIT -> without not many",
            "Thing.fits: not many or self.size <= LIMIT -> without self.size <= LIMIT",
            "Thing.fits: not many -> many",
            "Thing.fits: self.size <= LIMIT -> self.size < LIMIT",
            "Thing.fits: return [n for n in sorted(many) if n > 0] -> return None",
            "Thing.fits: if n > 0 -> every one",
            "Thing.fits: sorted(many) -> list(...)",
            "Thing.fits: n > 0 -> n >= 0",
            "Thing.fits: 0 in n > 0 -> 1",
            "Thing.fits: raise ValueError('that is a sentence') -> pass",
            "Thing.fits: False in self, many, *, exact=False -> True",
            "use: return thing.fits([1], exact=True) -> return None",
            "use: fits(exact=True) -> without exact",
            "use: 1 in [1] -> 2",
            "use: True in exact=True -> False",
        )
    )


def test_each_compiles_into_something_else_and_its_function_is_found(made):
    path, found = made
    whole = compile(TEXT, str(path), "exec")

    for mutant in found:
        code = compiled(mutant, path)
        if mutant.outermost is None:
            assert code != whole
            continue
        changed, same = (function_in(c, *mutant.outermost) for c in (code, whole))
        assert changed is not None
        assert (changed.co_code, changed.co_consts, changed.co_names) != (
            same.co_code, same.co_consts, same.co_names,
        )  # fmt: skip


@pytest.mark.parametrize("room", ["policy", "border"])
def test_each_mutant_of_a_room_has_a_name_of_its_own_and_the_equivalent_ones_are_among_them(room):
    optional = optional_arguments(ROOT)
    paths = sorted((ROOT / room).glob("*.py"))
    names = [m.name for p in paths for m in mutants(f"mithaq.{room}.{p.stem}", p, optional)]

    assert len(names) > 1000
    assert len(set(names)) == len(names)
    assert not set(equivalent(room)) - set(names)  # what is left aside is still made
