"""mysql:// URLs: how every part of the project names a server, an account and a database."""

from dataclasses import dataclass
from urllib.parse import quote, unquote, urlsplit

from .state import Failure


@dataclass(frozen=True)
class Url:
    """A server, an account and a database. `str()` gives the URL, with user and password percent-encoded."""

    user: str
    password: str
    host: str
    port: int
    database: str

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"mysql://{quote(self.user, safe='')}:{quote(self.password, safe='')}@{host}:{self.port}/{self.database}"


def parse(text: str, variable: str = "the URL") -> Url:
    """Read mysql://user:password@host:port/database; the port may be left out (3306), the database too (flashsale).

    Raises Failure naming `variable`, the environment variable that the text came from.
    """
    try:
        parts = urlsplit(text)
        port = parts.port or 3306
    except ValueError as error:
        raise Failure(f"{variable} is no URL: {error}") from error
    if parts.scheme != "mysql" or not parts.hostname or not parts.username:
        raise Failure(f"{variable} must look like mysql://user:password@host:port/database")
    return Url(
        unquote(parts.username),
        unquote(parts.password or ""),
        parts.hostname,
        port,
        unquote(parts.path.strip("/")) or "flashsale",
    )
