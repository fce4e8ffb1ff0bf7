"""Bring a MySQL server to the state this repository describes: database, accounts, tables, procedures, the EVENT."""

from sql.deploy.deployment import migrate
from sql.deploy.seed import seed

__all__ = ["migrate", "seed"]
