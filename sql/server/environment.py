"""What the other programs of the project find in their environment."""

import os
from dataclasses import replace

from . import urls
from .passwords import load_passwords
from .private import PrivateServer
from .state import STATE, private_folder
from .urls import Url


def private_server() -> PrivateServer:
    """The one server that `make run` and its like share."""
    return PrivateServer(STATE)


def has_own_server() -> bool:
    """Whether the user named a server, so that none is ours to start or stop."""
    return bool(os.environ.get("FLASHSALE_ADMIN_URL"))


def administrator() -> Url:
    """The administrator's account: the one the user named, else the private server's."""
    named = os.environ.get("FLASHSALE_ADMIN_URL")
    return urls.parse(named or private_server().admin_url(), "FLASHSALE_ADMIN_URL")


def variables() -> dict[str, str]:
    """The environment variables of the project, all of them; what the user has set stays as it is."""
    admin = administrator()
    kept = load_passwords(private_folder(STATE))
    api_password = os.environ.get("FLASHSALE_API_PASSWORD") or kept["FLASHSALE_API_PASSWORD"]
    api = replace(admin, user="flashsale_api", password=api_password)
    return {
        "FLASHSALE_ADMIN_URL": str(admin),
        "FLASHSALE_DATABASE_URL": os.environ.get("FLASHSALE_DATABASE_URL") or str(api),
        "FLASHSALE_API_PASSWORD": api_password,
        "FLASHSALE_OPERATOR_PASSWORD": os.environ.get("FLASHSALE_OPERATOR_PASSWORD")
        or kept["FLASHSALE_OPERATOR_PASSWORD"],
    }


def account(who: str) -> Url:
    """The account that `who` logs in with: dba (flashsale_operator), api or admin."""
    values = variables()
    if who == "api":
        return urls.parse(values["FLASHSALE_DATABASE_URL"], "FLASHSALE_DATABASE_URL")
    admin = administrator()
    if who == "admin":
        return admin
    return replace(admin, user="flashsale_operator", password=values["FLASHSALE_OPERATOR_PASSWORD"])
