"""A Chromium for the tests: one that is here already, else a private copy of Debian's below the project.

`python -m tests.support.chromium` finds or obtains it, as `make test` does first: the download takes longer than a
test may. Nothing is installed and root is not needed; packages are verified as those of MySQL are.
"""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory

from sql.server.apt import unpack
from sql.server.debian import Machine
from sql.server.state import STATE, Echo, Failure, locked, say

PRIVATE_COPY = STATE / "chromium"
VARIABLE = "FLASHSALE_CHROMIUM"
ON_PATH = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium-headless-shell", "fonts-dejavu-core")
# The machine's own libc starts the programs, and two of them in one process would not fit together.
LEFT_OUT = ("libc6_", "libc-bin_")

WAYS = f"""\
The tests of the pages need Chromium, and there is none here. Ways to get one:
  - put chromium, chromium-headless-shell or google-chrome on PATH, or its path into {VARIABLE};
  - `.venv/bin/python -m playwright install chromium-headless-shell`, and its path into {VARIABLE};
  - on Debian a private copy is made by itself, without root. It was tried and failed:
"""

FONTS = """\
<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig><dir>{tree}/usr/share/fonts</dir><dir>/usr/share/fonts</dir><cachedir>{tree}/font-cache</cachedir></fontconfig>
"""


@dataclass(frozen=True)
class Chromium:
    """A browser to start, and what it needs in its environment."""

    program: Path
    environment: dict[str, str] = field(default_factory=dict)

    def version(self) -> str:
        """What it says about itself. Raises Failure when it does not run."""
        try:
            done = subprocess.run(
                [str(self.program), "--no-sandbox", "--version"],
                env=os.environ | self.environment, capture_output=True, text=True, timeout=60, check=False,
            )  # fmt: skip
        except OSError as error:
            raise Failure(f"{self.program} does not run: {error}") from error
        if done.returncode != 0:
            raise Failure(f"{self.program} does not run: {done.stderr.strip()[-500:]}")
        return done.stdout.strip()


def find_chromium(echo: Echo = say) -> Chromium:
    """The browser named by FLASHSALE_CHROMIUM, else the one on PATH, else the private copy, which is made when missing.

    Raises Failure with the ways to get one.
    """
    if named := os.environ.get(VARIABLE):
        return Chromium(Path(named))
    for name in ON_PATH:
        if found := shutil.which(name):
            return Chromium(Path(found))
    with locked(STATE / "chromium.lock", "obtaining Chromium", echo):
        if not PRIVATE_COPY.exists():
            try:
                _unpack_chromium(PRIVATE_COPY, echo)
            except Failure as failure:
                raise Failure(f"{WAYS}{failure}") from failure
    return unpacked_chromium(PRIVATE_COPY)


def unpacked_chromium(tree: Path) -> Chromium:
    """The browser in a folder that Debian's packages were unpacked into. Raises Failure when it is not whole."""
    program = tree / "usr/lib/chromium/chromium-headless-shell"
    libraries = sorted(folder for root in ("lib", "usr/lib") for folder in tree.glob(f"{root}/*-linux-gnu*"))
    libraries += sorted(path for folder in libraries for path in folder.glob("pulseaudio"))
    fonts = tree / "fonts.conf"
    if not program.exists() or not fonts.exists() or not libraries:
        raise Failure(f"{tree} is not whole: remove it and try again")
    path = ":".join(map(str, libraries))
    return Chromium(program, {"LD_LIBRARY_PATH": path, "FONTCONFIG_FILE": str(fonts)})


def _unpack_chromium(target: Path, echo: Echo) -> None:
    """Download and unpack; 170 MB of download, 550 MB of disk. The folder appears at once when it is whole."""
    part = target.with_name(target.name + ".part")
    shutil.rmtree(part, ignore_errors=True)
    with TemporaryDirectory(prefix="flashsale-apt-") as folder:
        apt = Machine(Path(folder)).own_suites()
        packages = apt.download("downloading Chromium for the tests", PACKAGES, echo)
        unpack([package for package in packages if not package.name.startswith(LEFT_OUT)], part, "unpacking", echo)
    (part / "fonts.conf").write_text(FONTS.format(tree=target), encoding="utf-8")
    part.rename(target)


if __name__ == "__main__":
    try:
        chromium = find_chromium()
        say(f"{chromium.version()}, {chromium.program}")
    except Failure as failure:
        say(f"\n{failure}")
        sys.exit(1)
