"""Packages of Debian and Ubuntu, brought below the project without touching the machine.

Debian's releases have no MySQL, but its suite `sid` has, on the mirror that the machine uses anyway.
Its packages need a newer libc than the machine's, so they are unpacked side by side and never installed.
Ubuntu has MySQL in every release.
"""

import platform
import re
import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from .apt import Archive, PrivateApt, architecture, machine_archives, unpack
from .state import Echo, Failure

# What apt says (2.x with gpgv, 3.x with sqv) when the keys at hand are too old for an archive.
UNKNOWN_KEY = re.compile(r"NO_PUBKEY|Missing key|not signed")


def unpack_mysql(target: Path, echo: Echo) -> None:
    """Download MySQL's server and client with all they need and unpack them as the folder `target`.

    Takes about 70 MB of download and 430 MB of disk. The folder appears at once when it is whole.
    Raises Failure when this is no Debian or Ubuntu, or nothing could be downloaded and verified.
    """
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    with TemporaryDirectory(prefix="flashsale-apt-") as folder:
        machine = Machine(Path(folder))
        apt = machine.suite_with_mysql(echo)
        wanted = [newest(apt.names(f"mysql-{kind}-core"), f"mysql-{kind}-core") for kind in ("server", "client")]
        packages = apt.download(f"downloading {' and '.join(wanted)}", wanted, echo)
        unpack(packages, part, "unpacking", echo)
    part.rename(target)


def download_pip(folder: Path) -> Path:
    """The wheel of pip, out of the distribution's own package for virtual environments; unpacked into `folder`."""
    package = Machine(folder).own_suites().download_one("python3-pip-whl")
    unpack([package], folder / "pip", "unpacking", lambda line: None)
    return next((folder / "pip").rglob("pip-*.whl"))


def newest(names: list[str], name: str) -> str:
    """Of the packages `name` and `name`-8.0, `name`-8.4 … the unversioned one, else the highest version."""
    if name in names:
        return name
    matches = [match for found in names if (match := re.fullmatch(rf"{name}-([0-9.]+)", found))]
    if not matches:
        raise Failure(f"the package archive of this machine has no {name}")
    return max(matches, key=lambda match: [int(number) for number in match[1].split(".")])[0]


class Machine:
    """This machine's distribution, seen through private apts that live in `folder`."""

    def __init__(self, folder: Path) -> None:
        """Raises Failure when this is neither Debian nor Ubuntu."""
        try:
            release = platform.freedesktop_os_release()
        except OSError:
            release = {}
        self._distribution = release.get("ID", "")
        if self._distribution not in ("debian", "ubuntu"):
            raise Failure("a private copy is made on Debian and Ubuntu only")
        self._folder = folder
        self._archives = machine_archives(self._distribution, release.get("VERSION_CODENAME", "sid"))
        if not self._archives:
            raise Failure(f"apt on this machine has no source of {self._distribution}'s own packages")
        names = [f"/usr/share/keyrings/{self._distribution}-archive-keyring.{end}" for end in ("gpg", "pgp")]
        self._keyring = next((path for name in names if (path := Path(name)).exists()), None)

    def own_suites(self) -> PrivateApt:
        """The packages of the release that this machine runs."""
        return self._apt("own", self._archives, self._keyring)

    def suite_with_mysql(self, echo: Echo) -> PrivateApt:
        """The packages of the suite that has MySQL: on Ubuntu the machine's own, on Debian sid."""
        if self._distribution == "ubuntu":
            return self.own_suites()
        failures = []
        mirrors = dict.fromkeys(archive.uri for archive in self._archives if "security" not in archive.suite)
        for number, uri in enumerate(mirrors):
            sid = [Archive(uri, "sid", ("main",))]
            try:
                return self._apt(f"sid-{number}", sid, self._keyring)
            except Failure as failure:
                if not UNKNOWN_KEY.search(str(failure)):
                    failures.append(str(failure))
                    continue
                echo("sid is signed by a key newer than this machine's; asking the machine's own suite for newer keys")
            try:
                return self._apt(f"sid-{number}-rekeyed", sid, self._newer_keyring())
            except Failure as failure:
                failures.append(f"{failure} (no key here verifies sid, and unverified packages are not used)")
        raise Failure("\n".join(failures))

    def _newer_keyring(self) -> Path:
        """Debian's keys as its own suite ships them today, verified with the keys installed here."""
        target = self._folder / "keyring"
        package = self.own_suites().download_one("debian-archive-keyring")
        unpack([package], target, "unpacking", lambda line: None)
        return next(target.rglob("debian-archive-keyring.*"))

    def _apt(self, name: str, archives: list[Archive], keyring: Path | None) -> PrivateApt:
        lines = [archive.line(architecture(), keyring) for archive in archives]
        return PrivateApt(self._folder / name, lines)
