"""What the other programs of the project find in their environment."""

import os
from dataclasses import replace

from . import urls
from .passwords import load_passwords
from .private import PrivateServer
from .state import STATE, private_folder
from .urls import Url
from .variables import ADMIN_URL, API_PASSWORD, DATABASE_URL, OPERATOR_PASSWORD, read_variable, without_files


def private_server() -> PrivateServer:
    """The one server that `make run` and its like share."""
    return PrivateServer(STATE)


def has_own_server() -> bool:
    """Whether the user named a server, so that none is ours to start or stop."""
    return bool(_given(ADMIN_URL))


def administrator() -> Url:
    """The administrator's account: the one the user named, else the private server's."""
    return urls.parse(_given(ADMIN_URL) or private_server().admin_url(), ADMIN_URL)


def variables() -> dict[str, str]:
    """The environment variables of the project, all of them; what the user has set stays as it is."""
    admin = administrator()
    kept = load_passwords(private_folder(STATE))
    api_password = _given(API_PASSWORD) or kept[API_PASSWORD]
    api = replace(admin, user="flashsale_api", password=api_password)
    return {
        ADMIN_URL: str(admin),
        DATABASE_URL: _given(DATABASE_URL) or str(api),
        API_PASSWORD: api_password,
        OPERATOR_PASSWORD: _given(OPERATOR_PASSWORD) or kept[OPERATOR_PASSWORD],
    }


def environment() -> dict[str, str]:
    """What another program of the project is started with: the user's environment and those variables."""
    values = variables()
    return without_files(os.environ, values) | values


def account(who: str) -> Url:
    """The account that `who` logs in with: dba (flashsale_operator), api or admin."""
    values = variables()
    if who == "api":
        return urls.parse(values[DATABASE_URL], DATABASE_URL)
    admin = administrator()
    if who == "admin":
        return admin
    return replace(admin, user="flashsale_operator", password=values[OPERATOR_PASSWORD])


def _given(name: str) -> str:
    return read_variable(os.environ, name)
