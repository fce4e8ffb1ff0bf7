"""Environment variables. Each may be given as a file: FLASHSALE_X_FILE is the path of one that holds FLASHSALE_X."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

from .state import Failure

PREFIX, FILE = "FLASHSALE_", "_FILE"
ADMIN_URL = "FLASHSALE_ADMIN_URL"
DATABASE_URL = "FLASHSALE_DATABASE_URL"
API_PASSWORD = "FLASHSALE_API_PASSWORD"
OPERATOR_PASSWORD = "FLASHSALE_OPERATOR_PASSWORD"
PORT = "PORT"
API, MAKE, DEPLOYMENT = "the API", "`make`", "the deployment"


@dataclass(frozen=True, slots=True)
class Variable:
    """What docs/settings.md says of a variable: its meaning and its default in Markdown, and who reads it.

    A whole number lies between `least` and `most`, and its default is one.
    """

    name: str
    meaning: str
    default: str
    readers: tuple[str, ...]
    least: int = 0
    most: int = 0


DECLARED_HERE = (
    Variable(
        ADMIN_URL,
        "`mysql://user:password@host:port/database`, an administrator of a server of yours; nothing is started then",
        "the private server",
        (MAKE, DEPLOYMENT),
    ),
    Variable(
        API_PASSWORD,
        "the password that `make migrate` gives to `flashsale_api`",
        "generated once into `.flashsale/secrets.env`",
        (MAKE, DEPLOYMENT),
    ),
    Variable(
        OPERATOR_PASSWORD,
        "the password that `make migrate` gives to `flashsale_operator`",
        "generated once into `.flashsale/secrets.env`",
        (MAKE, DEPLOYMENT),
    ),
    Variable(PORT, "the port on which the API listens", "8000", (API, MAKE), 1, 65535),
)
"""The API declares its own in api/variables.py."""
OF_THE_DEPLOYMENT = tuple(each.name for each in DECLARED_HERE if DEPLOYMENT in each.readers)


def read_variable(environ: Mapping[str, str], name: str) -> str:
    """The value of FLASHSALE_X, or what is in the file of FLASHSALE_X_FILE; "" when neither is set.

    Raises Failure when both are set, and when the file can't be read or is empty. It quotes neither value nor path: a
    user who mixes the two variables up has put a secret in the place of the path.
    """
    value, path = environ.get(name, ""), environ.get(name + FILE, "") if name.startswith(PREFIX) else ""
    if not path:
        return value
    if value:
        raise Failure(f"{name} and {name}{FILE} are both set; leave one out")
    try:
        value = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except OSError as error:
        raise Failure(f"{name}{FILE} must be the path of a file that can be read: {error.strerror}") from None
    except ValueError:
        raise Failure(f"{name}{FILE} must be the path of a file of UTF-8 text") from None
    if not value.strip():
        raise Failure(f"{name}{FILE}: the file is empty; write the value into it, or leave the variable out")
    return value


def without_ours(environ: Mapping[str, str]) -> dict[str, str]:
    """The environment without anything of the project's, for a program that is told all of it anew."""
    return {name: value for name, value in environ.items() if not name.startswith(PREFIX)}


def unknown_variables(environ: Mapping[str, str], known: Collection[str]) -> dict[str, str]:
    """The FLASHSALE_ variables that are set and not `known`, each with the name that was perhaps meant, or ""."""
    names = {*known, *(name + FILE for name in known)}
    return {
        name: next(iter(get_close_matches(name, names, 1, 0.8)), "")
        for name, value in sorted(environ.items())
        if name.startswith(PREFIX) and value and name not in names
    }


def without_files(environ: Mapping[str, str], names: Collection[str]) -> dict[str, str]:
    """The environment without the FLASHSALE_X_FILE of these variables, for a program that is given their values."""
    return {name: value for name, value in environ.items() if name.removesuffix(FILE) not in names or name in names}
