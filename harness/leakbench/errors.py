"""The base of every error that is a person's to mend: shown as one line, without a traceback."""


class LeakbenchError(Exception):
    """Says what is wrong, where, and the way out."""
