"""A group of three MySQL servers on this machine, by Group Replication: one sells, and the others outlive it."""
