"""The API where it must not start, and what tests need of the module that starts it."""

import os
import subprocess

import pytest

from api.settings import read_settings
from sql.server.ports import free_port
from sql.server.service import HERE, WORKERS, Service
from sql.server.state import ROOT, Failure

__all__ = ["ROOT", "WORKERS", "Service", "free_port", "refused_settings", "start_up_refusal"]


def start_up_refusal(**environment: str) -> tuple[int, str]:
    """Start the API where it should not start; its exit status and all it printed. Takes a quarter of a second."""
    ended = subprocess.run(
        HERE.command(),
        cwd=HERE.folder,
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    return ended.returncode, ended.stdout + ended.stderr


def refused_settings(**environment: str) -> str:
    """What is said of an environment with which the API does not start: gunicorn's settings begin with reading it."""
    with pytest.raises(Failure) as refused:
        read_settings(environment)
    return str(refused.value)
