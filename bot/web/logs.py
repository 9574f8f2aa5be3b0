"""Logs: one JSON line per event, with ids and codes, never with what a person wrote or is called."""

import logging
import sys
import time
import traceback
from typing import Any

import structlog
from flask import Flask, Response, g, request
from structlog.typing import EventDict, Processor


def _without_values(_logger: Any, _method: str, event: EventDict) -> EventDict:
    """Write an exception as its kind and its frames: texts and local values may hold what a person wrote."""
    given = event.pop("exc_info", None)
    if given is None or given is False:
        return event
    error = given[1] if isinstance(given, tuple) else given if isinstance(given, BaseException) else sys.exc_info()[1]
    if error is not None:
        frames = traceback.extract_tb(error.__traceback__)
        event["exception"] = type(error).__qualname__
        event["frames"] = [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-20:]]
    return event


def configure() -> None:
    """Send every log of this process to stdout as JSON lines."""
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, _without_values, structlog.processors.JSONRenderer()],
        # Not cached: a command of the terminal sends its logs elsewhere, also those of loggers that were used before.
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                _without_values,
                structlog.processors.JSONRenderer(),
            ],
        )
    )
    logging.basicConfig(handlers=[handler], level=logging.INFO, force=True)
    for chatty in ("werkzeug", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def install(app: Flask) -> None:
    """Log each request by its route: the path itself may hold what a person typed."""
    log = structlog.get_logger()
    quiet = {"static", "health.alive", "health.ready", "health.metrics"}

    @app.before_request
    def _begin() -> None:
        g.began = time.perf_counter()

    @app.after_request
    def _end(response: Response) -> Response:
        if request.endpoint not in quiet or response.status_code >= 500:
            log.info(
                "request",
                method=request.method,
                route=str(request.url_rule) if request.url_rule else None,
                status=response.status_code,
                ms=round((time.perf_counter() - g.get("began", time.perf_counter())) * 1000, 1),
            )
        return response
