"""What runs inside the measured process: the standard library alone, and as little of it as can be.

Runs on CPython 3.9 to 3.14, in environments where leakbench is not installed.
"""
