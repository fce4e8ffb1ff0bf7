"""Accounts and their rights: the files of sql/accounts/, and the passwords that only the environment knows."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import mysql.connector
from mysql.connector.abstracts import MySQLConnectionAbstract

from sql.deploy.connections import connect
from sql.deploy.objects import SQL_FOLDER
from sql.deploy.patience import define
from sql.server.urls import Url

OWNER = "flashsale_owner"
OTHERS = ("flashsale_api", "flashsale_dba", "flashsale_operator")


def apply_account(connection: MySQLConnectionAbstract, account: str) -> None:
    """Run the statements of the account's file; each may be run again and again."""
    for statement in _statements(SQL_FOLDER / "accounts" / f"{account}.sql"):
        define(connection, f"account {account}", account, [statement])


def set_password(connection: MySQLConnectionAbstract, address: Url, account: str, password: str) -> bool:
    """Give a login its password and unlock it, unless it can already log in with it; True when changed."""
    try:
        connect(replace(address, user=account, password=password)).close()
        return False
    except mysql.connector.Error:
        with connection.cursor() as cursor:
            cursor.execute(f"ALTER USER {account}@'%' IDENTIFIED BY %s ACCOUNT UNLOCK", (password,))
        return True


def _statements(path: Path) -> Iterator[str]:
    text = re.sub(r"^--.*$", "", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
    return (statement.strip() for statement in text.split(";") if statement.strip())
