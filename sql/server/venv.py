"""The project's virtual environment: made once, and remade when Python or the pinned dependencies change."""

import configparser
import hashlib
import importlib.util
import json
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory

from .debian import download_pip
from .state import ROOT, STATE, VENV, Echo, Failure, locked, say

PYTHON = VENV / "bin" / "python"
STAMP = VENV / "flashsale.json"


def ensure_venv(extras: Iterable[str] = (), echo: Echo = say) -> Path:
    """The Python of a virtual environment that has the dependencies of setup.cfg and of these `extras`.

    Raises Failure when it cannot be made or the packages cannot be installed.
    """
    with locked(STATE / "venv.lock", "installing Python packages", echo):
        wanted = requirements()
        key = _key(wanted)
        installed = _installed(key)
        if installed is None:
            echo(f"making the virtual environment {VENV}")
            _make(echo)
        missing = {"", *extras} - (installed or set())
        if missing:
            packages = [package for extra in sorted(missing) for package in wanted[extra]]
            echo(f"installing {', '.join(packages)}")
            _pip("install", "--quiet", *packages)
            STAMP.write_text(json.dumps({"key": key, "extras": sorted(missing | (installed or set()))}))
    return PYTHON


def requirements() -> dict[str, list[str]]:
    """The pinned dependencies of setup.cfg by extra; those without which nothing runs under ''."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    lists = {"": config["options"]["install_requires"], **config["options.extras_require"]}
    return {extra: text.split("\n")[1:] for extra, text in lists.items()}


def _key(wanted: dict[str, list[str]]) -> str:
    """What the environment was made of. Its path too: its programs have it written into them."""
    return hashlib.sha256(repr((wanted, sys.version, str(VENV))).encode()).hexdigest()


def _installed(key: str) -> set[str] | None:
    """The extras that are installed; None when there is no environment, or it was made of something else."""
    if not STAMP.exists() or not PYTHON.exists():
        return None
    stamp = json.loads(STAMP.read_text())
    return set(stamp["extras"]) if stamp["key"] == key else None


def _make(echo: Echo) -> None:
    # The interpreter below an activated virtual environment: that one may be the very folder that is remade.
    base = getattr(sys, "_base_executable", sys.executable)
    with_pip = importlib.util.find_spec("ensurepip") is not None
    command = [base, "-m", "venv", "--clear", *([] if with_pip else ["--without-pip"]), str(VENV)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Failure(f"python could not make a virtual environment: {done.stdout}{done.stderr}")
    if not with_pip:
        echo("this Python came without pip: taking pip from the distribution's package")
        with TemporaryDirectory(prefix="flashsale-pip-") as folder:
            wheel = download_pip(Path(folder))
            _run([str(PYTHON), f"{wheel}/pip", "install", "--quiet", "--no-index", str(wheel)])


def _pip(*arguments: str) -> None:
    _run([str(PYTHON), "-m", "pip", "--disable-pip-version-check", "--no-input", *arguments])


def _run(command: list[str]) -> None:
    if subprocess.run(command, stdin=subprocess.DEVNULL, stdout=sys.stderr, check=False).returncode != 0:
        raise Failure("the Python packages could not be installed; pip says why above")
