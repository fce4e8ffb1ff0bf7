"""A private MySQL for development and tests, from an empty machine; standard library only.

`python -m sql.server help` lists what it can do. From Python: `programs.find_programs()`, `private.PrivateServer`.
"""
