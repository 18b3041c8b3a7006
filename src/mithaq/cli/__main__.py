"""Run ``python -m mithaq.cli`` as the `mithaq` command."""

from mithaq.cli import main

main()
