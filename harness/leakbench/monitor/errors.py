"""The one exception of this package."""

from __future__ import annotations


class MonitorError(ValueError):
    """A name, an object or a place that cannot be monitored; the message says what and the way out."""
