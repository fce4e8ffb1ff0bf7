"""A mysql:// URL names one host or the nodes of a group."""

import pytest

from sql.server.state import Failure
from sql.server.urls import parse

THREE = "mysql://a%40b:p%2Fw@db-a:3306,db-b:3307,[::1]:3308/shop?ssl-mode=REQUIRED"


def test_every_host_is_a_node_with_the_same_account() -> None:
    url = parse(THREE)

    assert [(node.host, node.port, node.others) for node in url.nodes] == [
        ("db-a", 3306, ()), ("db-b", 3307, ()), ("::1", 3308, ()),
    ]  # fmt: skip
    assert {(node.user, node.password, node.database, node.ssl_mode) for node in url.nodes} == {
        ("a@b", "p/w", "shop", "REQUIRED")
    }


def test_it_is_written_as_it_was_read() -> None:
    assert str(parse(THREE)) == THREE
    assert parse(str(parse("mysql://a:b@db-a,db-b"))).place == "db-a:3306,db-b:3306"


def test_one_host_is_one_node() -> None:
    url = parse("mysql://a:b@db-a/shop")

    assert url.nodes == (url,)
    assert url.place == "db-a:3306"


@pytest.mark.parametrize("hosts", ["", ",", "db-a,", ",db-b", "db-a:99999,db-b", "db-a,db-b:x"])
def test_a_host_that_is_none_is_refused_without_the_password(hosts: str) -> None:
    with pytest.raises(Failure) as refused:
        parse(f"mysql://a:s3cret@{hosts}/shop", "FLASHSALE_DATABASE_URL")

    assert "FLASHSALE_DATABASE_URL" in str(refused.value)
    assert "s3cret" not in str(refused.value)
