"""Everything that runs inside MySQL, and the two small programs that bring it there.

`sql.server` obtains and runs a private MySQL (standard library only), `sql.deploy` installs the objects.
"""
