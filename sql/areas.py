"""Write sql/views/procedure_areas.sql: which folder of sql/procedures/ each public procedure comes from.

A routine keeps nothing of the file it was made from, and the plain client runs files only. So what the folders say is
written down as a view, for `help`; `make examples` does it, and a test in tests/sql/test_documentation.py compares.
"""

from sql.deploy.objects import SQL_FOLDER

VIEW = SQL_FOLDER / "views" / "procedure_areas.sql"
_TEXT = """\
DELIMITER $$

-- Made from the folders of procedures/ by `make examples`: the area of each public procedure, for help().
CREATE OR REPLACE DEFINER = flashsale_owner@localhost SQL SECURITY DEFINER VIEW procedure_areas AS
{rows} $$

DELIMITER ;
"""


def written() -> str:
    """The text of the view, from the folders as they are."""
    files = sorted(SQL_FOLDER.glob("procedures/*/[!_]*.sql"))
    rows = [f"SELECT '{file.parent.name}' AS area, '{file.stem}' AS name" for file in files]
    return _TEXT.format(rows="\n UNION ALL\n".join(rows))


def write() -> None:
    """Write the view anew."""
    VIEW.write_text(written(), encoding="utf-8")
