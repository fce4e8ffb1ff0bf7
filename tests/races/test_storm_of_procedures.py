"""Every procedure that writes against every other, on the same few rows, beside the sweep: no deadlock."""

from collections.abc import Callable

import pytest

from sql.deploy.objects import all_objects
from tests.sql.test_documentation import section_of
from tests.support.database import Database
from tests.support.sale import at_once, hold, new_key, new_product, tally
from tests.support.storm import ACTS, deadlocks, last_deadlock, set_scene, storm

Crowd = Callable[[int], list[Database]]


def test_the_storm_has_every_procedure_that_locks() -> None:
    locking = {
        item.name
        for item in all_objects()
        if item.kind == "PROCEDURE" and not item.name.startswith("_") and section_of(item, "Locks").strip() != "none"
    }

    assert set(ACTS) == locking


@pytest.mark.parametrize("one", ACTS)
def test_a_procedure_meets_every_other_one_without_a_deadlock(
    db: Database, crowd: Crowd, connect_as: Callable[..., Database], one: str
) -> None:
    admin = connect_as("admin")
    before = deadlocks(admin)
    scene = set_scene(db)

    for seed, other in enumerate(list(ACTS)[list(ACTS).index(one) :]):
        storm(scene, crowd(4), [one, other], 6, seed)
        assert (scene.deadlocks, deadlocks(admin) - before) == ([], 0), f"{one}, {other}:\n{last_deadlock(admin)}"

    assert db.call("check_invariants") == []


def test_all_procedures_at_once_meet_without_a_deadlock(
    db: Database, crowd: Crowd, connect_as: Callable[..., Database]
) -> None:
    admin = connect_as("admin")
    before = deadlocks(admin)
    scene = set_scene(db)

    for seed in range(6):
        storm(scene, crowd(8), list(ACTS), 40, seed)

    assert (scene.deadlocks, deadlocks(admin) - before) == ([], 0), last_deadlock(admin)
    assert db.call("check_invariants") == []


@pytest.mark.parametrize("ends", [False, True])
def test_twins_of_a_key_that_are_refused_or_come_too_late_hear_of_no_deadlock(
    db: Database, crowd: Crowd, ends: bool
) -> None:
    """InnoDB knows no better than to break the wait of two who try to be the next under a key; docs/adr/0008."""
    product = new_product(db, 100, max_per_customer=1)
    if not ends:
        hold(db, product, 1, "ada")
    for _ in range(30):
        key = new_key()
        if ends:
            db.one("release_hold", hold(db, product, 1, "ada", key))

        answers = at_once(lambda s, key=key: s.one("create_hold", product, 1, "ada", key), crowd(8))

        assert tally(answers) == ({"replayed": 8} if ends else {"customer_limit_reached": 8})
