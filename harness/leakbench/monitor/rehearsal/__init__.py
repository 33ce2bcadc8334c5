"""Rehearse the alert rules: maps live through an hour or a week of simulated time, and promtool judges."""
