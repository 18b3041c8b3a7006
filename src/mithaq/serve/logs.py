"""The log for operators: one JSON object a line on standard error; event names and facts, never content."""

import logging
import sys

import structlog


def configure(level: str) -> None:
    """Write events of ``level`` and above from now on, in this process."""
    number = logging.getLevelNamesMapping().get(level.upper(), logging.INFO)
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        # Standard error as it stands when something happens: one that was closed meanwhile must stop no work.
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
        cache_logger_on_first_use=False,
    )
