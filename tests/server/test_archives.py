"""Where the private copy may come from."""

import pytest

from sql.server.apt import Archive, own_archives
from sql.server.debian import newest
from sql.server.state import Failure

UNKNOWN = "$(ORIGIN)"  # what apt prints while it has no package lists


def test_the_distributions_own_mirror_is_taken_and_vendors_are_not() -> None:
    targets = [
        f"https://vendor.example/oss/deb/ stable main {UNKNOWN}",
        f"https://mirror.example/debian/ bookworm main {UNKNOWN}",
        f"https://mirror.example/debian/ bookworm contrib {UNKNOWN}",
        f"https://mirror.example/debian/ bookworm-updates main {UNKNOWN}",
        f"https://mirror.example/debian-security/ bookworm-security main {UNKNOWN}",
        f"cdrom:[Debian 12]/ bookworm main {UNKNOWN}",
    ]
    assert own_archives(targets, "debian", "bookworm") == [
        Archive("https://mirror.example/debian/", "bookworm", ("main",)),
        Archive("https://mirror.example/debian/", "bookworm-updates", ("main",)),
        Archive("https://mirror.example/debian-security/", "bookworm-security", ("main",)),
    ]


def test_the_origin_tells_when_apt_knows_it() -> None:
    targets = [
        "https://vendor.example/debian/ bookworm main Vendor",
        "https://proxy.example/cache/ bookworm main Debian",
    ]
    assert [archive.uri for archive in own_archives(targets, "debian", "bookworm")] == ["https://proxy.example/cache/"]


def test_a_mirror_under_another_name_will_do_when_there_is_no_better() -> None:
    targets = [f"https://proxy.example/cache/ bookworm main {UNKNOWN}"]
    assert [archive.uri for archive in own_archives(targets, "debian", "bookworm")] == ["https://proxy.example/cache/"]


def test_ubuntus_packages_may_be_in_main_and_universe() -> None:
    targets = [f"http://mirror.example/ubuntu/ noble {component} {UNKNOWN}" for component in ("main", "universe")]
    assert own_archives(targets, "ubuntu", "noble") == [
        Archive("http://mirror.example/ubuntu/", "noble", ("main", "universe"))
    ]


def test_the_newest_server_package_is_chosen() -> None:
    names = ["mysql-server-core-8.0", "mysql-server-core-8.4", "mysql-server-core-10.1", "mysql-server-core-dbgsym"]
    assert newest(names, "mysql-server-core") == "mysql-server-core-10.1"
    assert newest([*names, "mysql-server-core"], "mysql-server-core") == "mysql-server-core"
    with pytest.raises(Failure, match="has no mysql-server-core"):
        newest(["mysql-server-core-dbgsym"], "mysql-server-core")
