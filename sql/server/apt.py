"""apt, used privately: own lists, cache and status, no root, nothing on the machine is changed.

Where packages come from is read from the machine's own apt configuration, and every package is
verified against the keys of the distribution that the machine has: an archive without a good
signature is refused, never trusted.
"""

import os
import subprocess
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .progress import Progress
from .state import Echo, Failure

MEGABYTE = 1_000_000

# Names that Debian's sources may use instead of a release's own name.
ALIASES = ("oldstable", "stable", "testing", "unstable", "sid")

# `#clear` removes hooks that other packages hang into `apt-get update` and that need root. Preferences
# (pins) and a default release are the machine's, not ours. The sandbox user `_apt` cannot write to a private folder.
CONFIGURATION = """\
#clear APT::Update;
APT::Sandbox::User "root";
APT::Default-Release "";
APT::Install-Recommends "false";
APT::Keep-Downloaded-Packages "true";
APT::Get::AllowUnauthenticated "false";
APT::Update::Error-Mode "any";
Acquire::AllowInsecureRepositories "false";
Acquire::AllowWeakRepositories "false";
Acquire::Retries "3";
Acquire::http::Timeout "30";
Acquire::https::Timeout "30";
Acquire::Languages "none";
Dir::Etc::sourcelist "{folder}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "{folder}/state";
Dir::State::lists "{folder}/lists";
Dir::State::status "{folder}/status";
Dir::Cache "{folder}/cache";
"""


@dataclass(frozen=True)
class Archive:
    """One suite of a package archive."""

    uri: str
    suite: str
    components: tuple[str, ...]

    def line(self, architecture: str, keyring: Path | None) -> str:
        """The line for sources.list. Without a keyring apt verifies with the keys that the whole machine trusts."""
        signed = f" signed-by={keyring}" if keyring else ""
        return f"deb [arch={architecture} target=Packages{signed}] {self.uri} {self.suite} {' '.join(self.components)}"


def machine_archives(distribution: str, codename: str) -> list[Archive]:
    """The distribution's own archives as apt is configured here, in .sources and .list files alike.

    Where package lists are there they say whose each archive is; a bare image has none, and the addresses must do.
    """
    command = ["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT) $(ORIGIN)"]
    for more in ([], ["--no-release-info"]):
        targets = output([*command, *more, "Created-By: Packages"]).splitlines()
        if archives := own_archives(targets, distribution, codename):
            return archives
    return []


def own_archives(targets: Iterable[str], distribution: str, codename: str) -> list[Archive]:
    """Those of `targets` ('URI SUITE COMPONENT ORIGIN') that are the distribution's own, not some vendor's.

    Without an origin an address like …/debian/ tells; a mirror under another name counts when there is no such address.
    """
    named: dict[tuple[str, str], dict[str, None]] = {}
    other: dict[tuple[str, str], dict[str, None]] = {}
    for target in targets:
        uri, suite, component, origin = target.split(" ", 3)
        release = suite.partition("-")[0].partition("/")[0]
        if uri.startswith("cdrom:") or component not in ("main", "universe") or release not in (codename, *ALIASES):
            continue
        if origin.lower() == distribution:
            found = named
        elif not origin.startswith("$"):
            continue
        else:
            found = named if uri.rstrip("/").rpartition("/")[2].startswith(distribution) else other
        found.setdefault((uri, suite), {})[component] = None
    return [Archive(uri, suite, tuple(components)) for (uri, suite), components in (named or other).items()]


def architecture() -> str:
    """This machine's, as packages name it (amd64, arm64 …)."""
    return output(["dpkg", "--print-architecture"]).strip()


class PrivateApt:
    """apt-get and apt-cache that live in `folder` (an empty folder with a short, plain path) and see `lines` only."""

    def __init__(self, folder: Path, lines: Sequence[str]) -> None:
        """Read the package lists. Raises Failure when an archive has no such suite or no good signature."""
        self._folder = folder
        self._archives = folder / "cache" / "archives"
        for name in ("state", "lists/partial", "cache/archives/partial"):
            (folder / name).mkdir(parents=True)
        (folder / "status").touch()
        (folder / "sources.list").write_text("".join(f"{line}\n" for line in lines))
        (folder / "apt.conf").write_text(CONFIGURATION.format(folder=folder))
        self._run("apt-get", "--quiet", "update")

    def names(self, prefix: str) -> list[str]:
        """The names of all packages that begin with `prefix`."""
        return sorted(self._run("apt-cache", "pkgnames", prefix).split())

    def download(self, label: str, packages: Sequence[str], echo: Echo) -> list[Path]:
        """Download `packages` and all they depend on; the paths of the .deb files."""
        plan = self._run("apt-get", "--quiet=2", "--print-uris", "install", *packages)
        total = sum(int(line.rsplit(" ", 2)[1]) for line in plan.splitlines() if line.startswith("'"))
        progress = Progress(label, total // MEGABYTE, "MB", echo)
        command = self._command("apt-get", "--quiet", "--yes", "--download-only", "install", *packages)
        with open(self._folder / "download.log", "w+", encoding="utf-8") as log:
            process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT, env=_environment()
            )
            try:
                while process.poll() is None:
                    progress.update(_size(self._archives) // MEGABYTE)
                    time.sleep(0.2)
            finally:
                process.kill()
            if process.wait() != 0:
                log.seek(0)
                raise Failure(_reason(command, log.read()))
        progress.update(total // MEGABYTE)
        return sorted(self._archives.glob("*.deb"))

    def download_one(self, package: str) -> Path:
        """Download `package` without what it depends on; the path of its .deb file."""
        output(self._command("apt-get", "--quiet=2", "download", package), folder=self._archives)
        return next(self._archives.glob(f"{package}_*.deb"))

    def _run(self, *command: str) -> str:
        return output(self._command(*command))

    def _command(self, program: str, *arguments: str) -> list[str]:
        return [program, f"--config-file={self._folder}/apt.conf", *arguments]


def unpack(packages: Sequence[Path], target: Path, label: str, echo: Echo) -> None:
    """Unpack .deb files into `target`; nothing is installed, no script of a package runs."""
    target.mkdir(parents=True, exist_ok=True)
    progress = Progress(label, len(packages), "packages", echo)
    for number, package in enumerate(packages, 1):
        output(["dpkg-deb", "--extract", str(package), str(target)])
        progress.update(number)


def _environment() -> dict[str, str]:
    return os.environ | {"LC_ALL": "C", "DEBIAN_FRONTEND": "noninteractive"}


def output(command: Sequence[str], folder: Path | None = None) -> str:
    """What the command, run in `folder`, printed. Raises Failure with its own words when it fails or is not there."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            env=_environment(),
            check=False,
        )
    except FileNotFoundError as error:
        raise Failure(f"this machine has no {command[0]}") from error
    if done.returncode != 0:
        raise Failure(_reason(command, done.stdout + done.stderr))
    return done.stdout


def _reason(command: Sequence[str], output: str) -> str:
    lines = [line for line in output.splitlines() if line.startswith(("E:", "W:", "dpkg"))] or output.splitlines()[-3:]
    return f"{command[0]} failed: " + " ".join(lines)


def _size(folder: Path) -> int:
    """Bytes in the folder; files that apt renames meanwhile are simply not counted this time."""
    total = 0
    for path in folder.rglob("*.deb"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:
            continue
    return total
