"""TLS to MySQL, as the database URL asks for it: against the server's own certificate and one with a name."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import mysql.connector
import pytest
import trustme

from api.gateway import Gateway, UnavailableError
from api.settings import read_settings
from sql.deploy.connections import connect
from sql.server.private import PrivateServer
from sql.server.state import Failure
from sql.server.urls import Url, parse
from tests.support.database import Database
from tests.support.sale import new_product


@pytest.fixture
def authority(connect_as: Callable[..., Database]) -> Path:
    """The certificate authority that MySQL made for itself; its server's certificate bears no host's name."""
    return Path(connect_as("admin").value("SELECT @@datadir")) / "ca.pem"


@pytest.fixture
def address(api_url: str) -> Url:
    """MySQL as the API reaches it by default."""
    return parse(api_url)


@pytest.fixture
def named_authority(connect_as: Callable[..., Database], tmp_path: Path) -> Iterator[Path]:
    """An authority whose certificate for 127.0.0.1 the server uses during the test."""
    own = trustme.CA()
    issued = own.issue_cert("127.0.0.1")
    own.cert_pem.write_to_path(tmp_path / "ca.pem")
    issued.private_key_pem.write_to_path(tmp_path / "key.pem")
    issued.cert_chain_pems[0].write_to_path(tmp_path / "cert.pem")
    admin = connect_as("admin")
    names = ("ssl_ca", "ssl_cert", "ssl_key")
    before = {name: admin.value(f"SELECT @@{name}") for name in names}
    for name in names:
        admin.query(f"SET GLOBAL {name} = %s", str(tmp_path / f"{name.removeprefix('ssl_')}.pem"))
    admin.query("ALTER INSTANCE RELOAD TLS")
    yield tmp_path / "ca.pem"
    for name, value in before.items():
        admin.query(f"SET GLOBAL {name} = %s", value)
    admin.query("ALTER INSTANCE RELOAD TLS")


@pytest.fixture
def without_tls(connect_as: Callable[..., Database], address: Url) -> Iterator[None]:
    """A server that has no TLS to offer, and has seen the API's password already."""
    Gateway(replace(address, ssl_mode="REQUIRED")).call("list_products", [None, None, 1])
    admin = connect_as("admin")
    before = admin.value("SELECT @@tls_version")
    admin.query("SET GLOBAL tls_version = ''")
    admin.query("ALTER INSTANCE RELOAD TLS NO ROLLBACK ON ERROR")
    yield
    admin.query("SET GLOBAL tls_version = %s", before)
    admin.query("ALTER INSTANCE RELOAD TLS")


def way_of(gateway: Gateway, admin: Database) -> str:
    """How the session of a gateway that has just made a CALL came to MySQL: 'TCP/IP' or 'SSL/TLS'."""
    statement = (
        "SELECT connection_type FROM performance_schema.threads WHERE processlist_user = 'flashsale_api'"
        " ORDER BY thread_id DESC LIMIT 1"
    )
    gateway.call("list_products", [None, None, 1])
    way: str = admin.value(statement)
    return way


def test_on_the_loopback_interface_a_call_goes_in_the_clear(address: Url, connect_as: Callable[..., Database]) -> None:
    assert way_of(Gateway(address), connect_as("admin")) == "TCP/IP"


def test_a_call_is_encrypted_when_the_url_asks_for_it(
    address: Url, authority: Path, connect_as: Callable[..., Database]
) -> None:
    for asked in (
        replace(address, ssl_mode="REQUIRED"),
        replace(address, ssl_mode="VERIFY_CA", ssl_ca=str(authority)),
    ):
        assert way_of(Gateway(asked), connect_as("admin")) == "SSL/TLS"


def test_a_server_whose_certificate_names_it_is_trusted_by_name(
    address: Url, named_authority: Path, db: Database
) -> None:
    gateway = Gateway(replace(address, ssl_mode="VERIFY_IDENTITY", ssl_ca=str(named_authority)))

    product = new_product(db, 1)
    [row] = gateway.call("get_product", [product])
    assert row["product_id"] == product


@pytest.mark.parametrize("mode", ["VERIFY_CA", "VERIFY_IDENTITY"])
def test_a_server_of_another_authority_is_not_called(address: Url, mode: str, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "another.pem")

    gateway = Gateway(replace(address, ssl_mode=mode, ssl_ca=str(tmp_path / "another.pem")))
    with pytest.raises(UnavailableError):
        gateway.call("list_products", [None, None, 1])


def test_a_certificate_without_the_name_of_the_host_is_not_enough_to_verify_its_identity(
    address: Url, authority: Path, caplog: pytest.LogCaptureFixture
) -> None:
    gateway = Gateway(replace(address, ssl_mode="VERIFY_IDENTITY", ssl_ca=str(authority)))
    with pytest.raises(UnavailableError):
        gateway.call("list_products", [None, None, 1])
    assert "certificate verify failed" in caplog.text


@pytest.mark.usefixtures("without_tls")
def test_a_server_without_tls_is_not_called_in_the_clear_when_the_url_asks_for_tls(
    address: Url, mysql_server: PrivateServer, api_url: str, caplog: pytest.LogCaptureFixture
) -> None:
    assert Gateway(address).call("list_products", [None, None, 1]) is not None

    with pytest.raises(UnavailableError):
        Gateway(replace(address, ssl_mode="REQUIRED")).call("list_products", [None, None, 1])
    assert "asks for TLS" in caplog.text
    with pytest.raises(mysql.connector.Error, match="2026"):
        connect(parse(f"{api_url}?ssl-mode=REQUIRED"))


def test_a_deployment_verifies_the_server_like_the_api(api_url: str, authority: Path, tmp_path: Path) -> None:
    trustme.CA().cert_pem.write_to_path(tmp_path / "another.pem")

    connect(parse(f"{api_url}?ssl-mode=VERIFY_CA&ssl-ca={authority}")).close()
    with pytest.raises(mysql.connector.Error, match="certificate verify failed"):
        connect(parse(f"{api_url}?ssl-mode=VERIFY_CA&ssl-ca={tmp_path / 'another.pem'}"))
    with pytest.raises(mysql.connector.Error, match="certificate verify failed"):
        connect(parse(f"{api_url}?ssl-mode=VERIFY_IDENTITY&ssl-ca={authority}"))


def test_a_url_keeps_its_tls_when_it_is_written_again() -> None:
    text = "mysql://shop:p%3Fss@db.example:3306/flashsale?ssl-mode=VERIFY_CA&ssl-ca=/etc/mysql/ca.pem"

    assert str(parse(text)) == text
    assert parse(text).ssl_ca == "/etc/mysql/ca.pem"


@pytest.mark.parametrize(
    "query",
    [
        "ssl-mode=NONE", "ssl-mode=required", "ssl-mode=", "tls=1", "x", "ssl-ca=/etc/passwd", "ssl-mode=VERIFY_CA",
        "ssl-mode=REQUIRED&ssl-ca=/etc/passwd", "ssl-mode=REQUIRED&ssl-key=/etc/passwd",
        "ssl-mode=VERIFY_IDENTITY&ssl-ca=",
    ],
)  # fmt: skip
def test_tls_that_is_not_understood_is_refused_by_the_api_and_the_deployment(query: str) -> None:
    url = f"mysql://shop:secret@db.example/flashsale?{query}"

    for read in (lambda: read_settings({"FLASHSALE_DATABASE_URL": url}), lambda: parse(url)):
        with pytest.raises(Failure, match="ssl-mode=REQUIRED") as refused:
            read()
        assert "secret" not in str(refused.value)


def test_an_authority_that_cannot_be_read_is_named_before_anything_starts() -> None:
    with pytest.raises(Failure, match=r"/nowhere/ca\.pem, can't be read"):
        read_settings(
            {
                "FLASHSALE_DATABASE_URL": "mysql://shop:secret@db.example/flashsale?ssl-mode=VERIFY_CA&ssl-ca=/nowhere/ca.pem"
            }
        )
