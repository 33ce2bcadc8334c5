"""The ways to mend a leaking map, importable by anyone.

A module here holds classes that stand alone (`ExpiringMap`, `WeakSweeper`), and may declare them, with
``@mitigation(mends=(...), ...)``, as mitigations of scenarios defined elsewhere.
"""
