"""How many requests the clock is asked to tell apart: few in the suite, ``--pairs 5000`` for a release."""


def pytest_addoption(parser):
    parser.addoption("--pairs", type=int, default=320, help="measure so many pairs of requests")
