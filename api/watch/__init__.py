"""What operators look at: metrics, logs, the board."""
