"""Log lines as JSON.

Who (by id), what, which route, how it ended; never names, texts, query strings or local variables.
"""

import logging

import structlog
from structlog.typing import EventDict, Processor


def without_query(_logger: object, _method: str, event: EventDict) -> EventDict:
    """Cut addresses at the question mark: searches hold names, the way back from single sign-on holds codes."""
    for key in ("request", "path", "url"):
        if isinstance(event.get(key), str):
            event[key] = event[key].partition("?")[0]
    return event


SHARED: list[Processor] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    without_query,
    structlog.processors.format_exc_info,  # plain tracebacks: local variables would hold personal data
]


def configure() -> None:
    """Send structlog's own lines through the standard library, in the same form."""
    structlog.configure(
        processors=[*SHARED, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )


def json_formatter() -> logging.Formatter:
    """The formatter that settings.LOGGING names."""
    configure()
    return structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=SHARED,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            structlog.processors.JSONRenderer(ensure_ascii=False),
        ],
    )
