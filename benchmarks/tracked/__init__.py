"""What asv runs on every commit; the scripts beside this folder are for a person's own use."""
