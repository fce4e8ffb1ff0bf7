"""mysql:// URLs: how every part of the project names a server, an account and a database."""

from dataclasses import dataclass
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from .state import Failure

SSL_MODES = ("REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")


@dataclass(frozen=True)
class Url:
    """A server, an account, a database, and the TLS it asks for, in the words of MySQL's own programs.

    `str()` gives the URL, with user and password percent-encoded.
    """

    user: str
    password: str
    host: str
    port: int
    database: str
    ssl_mode: str = ""
    """One of SSL_MODES; "" encrypts when the server can."""
    ssl_ca: str = ""

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        tls = {"ssl-mode": self.ssl_mode, "ssl-ca": self.ssl_ca}
        query = urlencode({name: value for name, value in tls.items() if value}, safe="/")
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"mysql://{login}@{host}:{self.port}/{self.database}{'?' if query else ''}{query}"


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
    tls = dict(parse_qsl(parts.query, keep_blank_values=True))
    mode, authority = tls.pop("ssl-mode", ""), tls.pop("ssl-ca", "")
    if tls or (parts.query and mode not in SSL_MODES) or mode.startswith("VERIFY_") != bool(authority):
        raise Failure(
            f"{variable} takes ?ssl-mode={'|'.join(SSL_MODES)}, with &ssl-ca=/path/of/ca.pem for the last two;"
            " percent-encode a ? inside a password"
        )
    return Url(
        unquote(parts.username),
        unquote(parts.password or ""),
        parts.hostname,
        port,
        unquote(parts.path.strip("/")) or "flashsale",
        mode,
        authority,
    )
