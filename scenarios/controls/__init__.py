"""Workloads that look like leaks and are none: a detector that accuses one of them is wrong."""
