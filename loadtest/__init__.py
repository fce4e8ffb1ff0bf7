"""The sale under load: a locust run at its boundary, and the benchmark whose figures are in RESULTS.md."""
