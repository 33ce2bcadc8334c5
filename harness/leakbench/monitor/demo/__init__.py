"""A service that leaks, its mended twin, a load, and a real Prometheus that tells them apart."""
