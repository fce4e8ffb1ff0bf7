"""A package, so that the browser of its conftest ends with this folder and not with the run."""
