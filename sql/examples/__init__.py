"""Sessions of a DBA, and what the client prints for them."""
