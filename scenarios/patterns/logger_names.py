"""A logger named after each connection.

Mechanism: ``logging.getLogger(name)`` creates a logger for a name it has not seen and keeps it for good, so
that the next caller gets the same one. Names that carry an id are seen once each.

Who retains: the manager's ``logging.root.manager.loggerDict``.

Seen in the wild: vertica-python#476 (one per connection, by uuid), picows#72 (one per socket), DIRAC#5280
(one per sub-task).

Each step is a connection that logs one line below the level in force.
"""

import logging

from leakbench.contract import Run, Scenario

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class LoggerNames:
    """The workload: one connection a step, which logs as the mitigation does it."""

    def __init__(self, make: "Callable[[], Callable[[int], None]]", run: Run) -> None:
        self._before = len(logging.root.manager.loggerDict)
        self._log = make()

    def step(self, i: int) -> None:
        self._log(i)

    def counts(self) -> "dict[str, int | float]":
        """Live is the service's own logger; connections are gone once they have logged."""
        return {"live_entries": 1, "retained_entries": len(logging.root.manager.loggerDict) - self._before}


SCENARIO = Scenario(
    "logger-names",
    LoggerNames,
    kind="pattern",
    title="A logger named after each connection",
    steps={"quick": 8_192, "full": 131_072},
)


@SCENARIO.mitigation(
    "none",
    verdict="leak",
    holder="logging.root.manager.loggerDict",
    summary="getLogger with the connection's number in the name",
    cost="changing a level walks through all loggers that ever were",
)
def none() -> "Callable[[int], None]":
    logging.getLogger("service")

    def log(connection: int) -> None:
        logging.getLogger(f"service.connection-{connection}").debug("opened")

    return log


@SCENARIO.mitigation(
    "one-logger",
    verdict="steady",
    summary="one logger; the connection's number is an argument of the message",
    cost="levels cannot be set for a single connection",
)
def one_logger() -> "Callable[[int], None]":
    logger = logging.getLogger("service")

    def log(connection: int) -> None:
        logger.debug("connection %d: opened", connection)

    return log


@SCENARIO.mitigation(
    "adapter",
    verdict="steady",
    summary="a LoggerAdapter for each connection around the one logger; nobody registers adapters",
    cost="an object a connection, which dies with it",
)
def adapter() -> "Callable[[int], None]":
    logger = logging.getLogger("service")

    def log(connection: int) -> None:
        logging.LoggerAdapter(logger, {"connection": connection}).debug("opened")

    return log


@SCENARIO.mitigation(
    "unregistered",
    verdict="steady",
    summary="logging.Logger(name) made directly, with its parent set by hand",
    cost="a later change of a parent's level does not reach what it has cached",
)
def unregistered() -> "Callable[[int], None]":
    parent = logging.getLogger("service")

    def log(connection: int) -> None:
        logger = logging.Logger(f"service.connection-{connection}")  # noqa: LOG001  # the point: nobody keeps it
        logger.parent = parent
        logger.debug("opened")

    return log
