"""mysql:// URLs: how every part of the project names a server, an account and a database."""

import re
from dataclasses import dataclass, field, replace
from typing import Self
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from .state import Failure

SHAPE = "mysql://user:password@host:port/database (user and password percent-encoded)"
PORT = 3306
SSL_MODES = ("REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY")


@dataclass(frozen=True)
class Url:
    """A server, an account, a database, and the TLS it asks for, in the words of MySQL's own programs.

    `str()` gives the URL, with user and password percent-encoded.
    """

    user: str
    password: str = field(repr=False)
    host: str
    port: int
    database: str
    ssl_mode: str = ""
    """One of SSL_MODES; "" encrypts when the server can, the API only to another host than its own."""
    ssl_ca: str = ""
    """The file with the certificate authority that the server's certificate must come from."""
    others: tuple[tuple[str, int], ...] = ()
    """Hosts and ports of the other nodes of a group; one of all of them sells."""

    @property
    def nodes(self) -> tuple[Self, ...]:
        """A URL for each node."""
        return tuple(self.at(host, port) for host, port in ((self.host, self.port), *self.others))

    def at(self, host: str, port: int) -> Self:
        """The same account and database on one node."""
        return replace(self, host=host, port=port, others=())

    @property
    def place(self) -> str:
        """Host and port, of each node."""
        places = ((f"[{host}]" if ":" in host else host, port) for host, port in ((self.host, self.port), *self.others))
        return ",".join(f"{host}:{port}" for host, port in places)

    def __str__(self) -> str:
        tls = {"ssl-mode": self.ssl_mode, "ssl-ca": self.ssl_ca}
        query = urlencode({name: value for name, value in tls.items() if value}, safe="/")
        login = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return f"mysql://{login}@{self.place}/{self.database}{'?' if query else ''}{query}"


def parse(text: str, variable: str = "the URL", default_database: str = "flashsale") -> Url:
    """Read mysql://user:password@host:port/database?ssl-mode=…&ssl-ca=…; the port may be left out (3306), the database
    too where there is a default, and what begins with the question mark. Of a group: a:3306,b:3306,c:3306 as the host.

    Raises Failure naming `variable`, the environment variable that the text came from; it holds no password.
    """
    if not text:
        raise Failure(f"{variable} is not set; it must be {SHAPE}")
    try:
        # What stands between // and the path by itself: of several hosts Python takes no [::1] but the first.
        scheme, colon, rest = text.partition("://")
        places = re.split("[/?#]", rest, maxsplit=1)[0]
        parts = urlsplit(f"{scheme}{colon}{'all' if places else ''}{rest[len(places) :]}")
        login, _, places = places.rpartition("@")
        (host, port), *others = [_place(place) for place in places.split(",")]
    except ValueError:
        raise Failure(f"{variable} has no valid host and port; it must be {SHAPE}") from None
    if parts.scheme != "mysql":
        raise Failure(f"{variable} must begin with mysql://, as in {SHAPE}")
    if parts.fragment:
        raise Failure(f"{variable} takes no # part; percent-encode it inside a password")
    database = unquote(parts.path.strip("/")) or default_database
    user, _, password = login.partition(":")
    hosts = all((host, *(other for other, _ in others)))
    for part, value in (("host", hosts), ("user", user), ("database", database)):
        if not value:
            raise Failure(f"{variable} names no {part}; it must be {SHAPE}")
    return Url(
        unquote(user),
        unquote(password),
        host,
        port,
        database,
        *_tls(parts.query, variable),
        tuple(others),
    )


def _place(text: str) -> tuple[str, int]:
    """A host, "" when there is none, and its port. Raises ValueError."""
    parts = urlsplit(f"//{text}")
    return parts.hostname or "", parts.port or PORT


def _tls(query: str, variable: str) -> tuple[str, str]:
    """ssl-mode and ssl-ca out of the ? part of a URL."""
    allowed = f"{variable} takes ?ssl-mode={'|'.join(SSL_MODES)} and, to verify, &ssl-ca=/path/of/ca.pem"
    given = parse_qsl(query, keep_blank_values=True)
    options = dict(given)
    mode, authority = options.get("ssl-mode", ""), options.get("ssl-ca", "")
    if query and (mode not in SSL_MODES or not options.keys() <= {"ssl-mode", "ssl-ca"} or len(options) != len(given)):
        raise Failure(f"{allowed}, and no more; percent-encode a ? inside a password")
    if mode.startswith("VERIFY_") != bool(authority):
        raise Failure(f"{allowed}; ssl-ca goes with VERIFY_CA and VERIFY_IDENTITY, and they with it")
    return mode, authority
