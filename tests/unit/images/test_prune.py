"""What goes was not used for long and is needed by nothing that stays; the rest is kept, with its reason."""

from __future__ import annotations

import os
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from dockerflow.images import cache_files, cache_lock, prune
from dockerflow.images.build_record import RecordedLayer
from dockerflow.images.builder import BEGINNING
from dockerflow.images.errors import CacheError
from dockerflow.images.inventory import PYTHON, KnownImage
from dockerflow.images.prune import UNKNOWN, Limit
from dockerflow.images.saved import EngineImage
from tests.unit.images.known import big_lock, built, small_lock, taken
from tests.unit.unprivileged import unprivileged

LIMIT = 2_000_000_000.0
AGED = 1_600_000_000.0


def known(last_used: float | None, *names: str) -> KnownImage:
    reference = "dockerflow/step:" + "a" * 24
    engine = EngineImage("sha256:1", reference, (reference, *names), 1, "", "amd64", ("sha256:x",))
    return KnownImage(reference, on_engine=engine, built_or_used=last_used)


def why(
    image: KnownImage, in_use: dict[str, str] | None = None, alive: set[str] | None = None, **limit: bool
) -> object:
    return prune._why_kept(image, Limit(LIMIT, **limit), in_use or {}, alive or set())


def test_what_was_used_before_the_limit_goes_and_what_was_used_since_stays() -> None:
    assert why(known(LIMIT - 1)) is None
    assert why(known(LIMIT)) == ""


def test_what_a_container_or_a_run_that_goes_on_uses_stays_however_old() -> None:
    assert why(known(AGED), in_use={"sha256:1": "box"}) == "the container `box` uses it"
    assert why(known(AGED), alive={known(AGED).reference}) == "a run that goes on uses it"


def test_what_somebody_gave_another_name_stays() -> None:
    assert why(known(AGED, "team/model:v1")) == "it is also named `team/model:v1`"
    assert why(known(AGED, "dockerflow/step@sha256:1")) is None


def test_what_nobody_here_knows_goes_only_if_that_is_asked_for() -> None:
    assert why(known(None)) == UNKNOWN
    assert why(known(None), in_use={"sha256:1": "box"}) == UNKNOWN, "it is counted, not told of one by one"
    assert why(known(None), unknown=True) is None
    assert why(known(None), in_use={"sha256:1": "box"}, unknown=True) == "the container `box` uses it"


def helper(kind: str, *diff_ids: str) -> EngineImage:
    reference = kind + "b" * 24
    return EngineImage("sha256:2", reference, (reference,), 1, "", "amd64", diff_ids)


def made_of(*diff_ids: str) -> KnownImage:
    return replace(known(AGED), on_engine_layers=tuple(RecordedLayer(one, 1, "") for one in diff_ids))


def is_left(one: EngineImage, going: list[KnownImage], kept: list[KnownImage], unknown: bool = False) -> bool:
    return prune._is_left(one, going, kept, Limit(LIMIT, unknown))


def test_an_image_that_compiles_goes_with_the_last_one_made_upon_it() -> None:
    python, upon, other = helper(PYTHON, "base", "python"), made_of("base", "python", "pandas"), made_of("base")
    assert is_left(python, [upon], [other])
    assert not is_left(python, [other], [upon], unknown=True)
    assert not is_left(python, [upon], [upon])


def test_an_image_that_compiles_and_that_nothing_is_made_upon_may_be_a_strangers() -> None:
    python, other = helper(PYTHON, "base", "python"), made_of("base")
    assert not is_left(python, [other], [])
    assert is_left(python, [], [other], unknown=True)


def test_a_beginning_of_an_image_goes_whatever_stands_upon_it() -> None:
    beginning, upon = helper(BEGINNING, "base", "python"), made_of("base", "python", "pandas")
    assert is_left(beginning, [], [])
    assert is_left(beginning, [], [upon])


def age(folder: Path) -> None:
    for path in folder.rglob("*"):
        os.utime(path, (AGED, AGED))


def test_of_the_cache_goes_what_only_images_that_go_are_made_of(tmp_path: Path) -> None:
    big, small = built(tmp_path, big_lock(tmp_path)), built(tmp_path, small_lock(tmp_path))
    age(tmp_path)
    images = {one.reference: one for one in taken(tmp_path, tmp_path / "store").images}
    gone = set(cache_files.unneeded(tmp_path, [images[big.reference]], [images[small.reference]], LIMIT))
    theirs = {layer.path for layer in small.layers}
    assert {path for path in gone if path.parent.name == "layers"} == {one.path for one in big.layers} - theirs
    assert {path for path in gone if path.parent.name == "images"} == {
        path for path in (tmp_path / "images").iterdir() if path.stem.startswith(big.reference.rpartition(":")[2])
    }
    for path in gone:
        path.unlink()
    assert built(tmp_path, small_lock(tmp_path)) == small
    assert built(tmp_path, big_lock(tmp_path)) == big


def test_what_stood_beside_images_goes_when_it_was_not_needed_for_long(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / "jupyter" / name).mkdir(parents=True)
    os.utime(tmp_path / "jupyter" / "old", (AGED, AGED))
    assert list(cache_files.unneeded(tmp_path, [], [], AGED + 1)) == [tmp_path / "jupyter" / "old"]


def test_of_the_cache_nothing_goes_that_is_younger_than_the_limit(tmp_path: Path) -> None:
    built(tmp_path, big_lock(tmp_path))
    (image,) = taken(tmp_path, tmp_path / "store").images
    assert list(cache_files.unneeded(tmp_path, [], [], AGED)) == []
    gone = list(cache_files.unneeded(tmp_path, [replace(image, built_or_used=AGED)], [], AGED))
    assert [path.parent.name for path in gone] == ["images"]


def test_nothing_is_removed_while_somebody_builds(tmp_path: Path) -> None:
    with cache_lock.used(tmp_path), pytest.raises(CacheError, match="is in use"), cache_lock.alone(tmp_path):
        pass
    with cache_lock.alone(tmp_path):
        pass


def test_nothing_is_removed_while_the_first_build_with_a_cache_goes_on(tmp_path: Path) -> None:
    cache = tmp_path / "new" / "cache"
    with cache_lock.used(cache), pytest.raises(CacheError, match="is in use"), cache_lock.alone(cache):
        pass


def test_nothing_is_removed_while_somebody_builds_with_a_cache_that_is_another_users(tmp_path: Path) -> None:
    with cache_lock.alone(tmp_path):
        pass  # the file of the lock is the owner's
    (tmp_path / cache_lock.NAME).chmod(0o444)
    tmp_path.chmod(0o755)
    with ExitStack() as building:
        with unprivileged(tmp_path):
            building.enter_context(cache_lock.used(tmp_path))
        (tmp_path / cache_lock.NAME).chmod(0o644)
        with pytest.raises(CacheError, match="is in use"), cache_lock.alone(tmp_path):
            pass


def test_who_may_not_write_the_lock_removes_nothing(tmp_path: Path) -> None:
    (tmp_path / cache_lock.NAME).touch(0o444)
    tmp_path.chmod(0o755)
    with unprivileged(tmp_path), pytest.raises(CacheError, match="cannot be locked"), cache_lock.alone(tmp_path):
        pass


def test_two_may_build_at_once(tmp_path: Path) -> None:
    with cache_lock.used(tmp_path), cache_lock.used(tmp_path):
        pass
