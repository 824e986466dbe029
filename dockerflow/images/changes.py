"""Say in words why an image was built: which part of its build key is another than it was. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from dockerflow.images.build_history import History, LastBuild
from dockerflow.images.build_record import KeyParts, RecordedPackage

# Digests are told by so many of their hex digits.
DIGITS = 12


def why(before: History | None, after: LastBuild, layers_built: int, layers_sent: int) -> str:
    """Why a step's image was built or sent, or was not. `before` is what was known of it until then."""
    if before is None:
        there = after.parts is not None and not layers_built and not layers_sent
        return "first build here; the same image was there already" if there else "first build here"
    changed = between(before.last, after)
    if changed:
        return f"changed since its last build here: {'; '.join(changed)}"
    if layers_built:
        return "the same as at its last build here, but layers of it had gone from the cache"
    if layers_sent:
        return "the same as at its last build here, but the engine did not have it"
    earlier = between(before.before, after) if before.before is not None else ()
    last = f", which differed from the one before in {'; '.join(earlier)}" if earlier else ""
    return f"nothing has changed since its last build here{last}"


def between(before: LastBuild, after: LastBuild) -> tuple[str, ...]:
    """A sentence for each part that differs; none for equal ones."""
    if before.parts is None and after.parts is None:
        return _of_own_images(before, after)
    if before.parts is None:
        return (f"the step had an image of its own, `{before.name}`, and has libraries now",)
    if after.parts is None:
        return (f"the step had libraries, and has an image of its own now, `{after.name}`",)
    return tuple(_of_parts(before.parts, after.parts))


def _of_own_images(before: LastBuild, after: LastBuild) -> tuple[str, ...]:
    if before.digest == after.digest:
        return ()
    digests = f"{short(before.digest)} → {short(after.digest)}"
    if before.name == after.name:
        return (f"`{after.name}` is another image now ({digests})",)
    return (f"image: `{before.name}` → `{after.name}` ({digests})",)


def _of_parts(before: KeyParts, after: KeyParts) -> Iterator[str]:
    packages = list(_of_packages(before.packages, after.packages))
    if packages:
        yield f"packages: {', '.join(packages)}"
    if before.requested != after.requested:
        yield f"requested: {', '.join(_of_names(before.requested, after.requested))}"
    if before.platform != after.platform:
        yield f"platform: {before.platform} → {after.platform}"
    if (before.base_diff_ids, before.base_path) != (after.base_diff_ids, after.base_path):
        yield f"base image: {_base(before, after)}"
    if before.prefix != after.prefix:
        yield f"the environment's place: {before.prefix} → {after.prefix}"
    # One that only one of the two has is about packages that only one of them has.
    recipes = [name for name, version in after.recipes if dict(before.recipes).get(name, version) != version]
    if recipes:
        made = ", ".join(_RECIPES.get(name, name) for name in recipes)
        yield f"dockerflow itself: it makes {made} in another way now"


_RECIPES = {
    "image": "images",
    "layers": "layers of packages",
    "skeleton": "its own layer",
    "bytecode": "bytecode",
    "wheels": "layers of wheels",
}


def _of_packages(before: tuple[RecordedPackage, ...], after: tuple[RecordedPackage, ...]) -> Iterator[str]:
    old = {(one.name, one.manager): one for one in before}
    new = {(one.name, one.manager): one for one in after}
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if was is None and now is not None:
            yield f"+ {now.name} {now.version}"
        elif now is None and was is not None:
            yield f"- {was.name} {was.version}"
        elif was is not None and now is not None and was != now:
            yield f"{now.name} {_of_one(was, now)}"


def _of_one(was: RecordedPackage, now: RecordedPackage) -> str:
    """`1.5.3 → 2.2.3`, with the builds if the versions are equal, with the contents if those are."""
    if was.version != now.version:
        return f"{was.version} → {now.version}"
    if was.build != now.build:
        return f"{now.version} ({was.build} → {now.build})"
    return f"{now.version} (other contents: {was.sha256[:DIGITS]} → {now.sha256[:DIGITS]})"


def _of_names(before: tuple[str, ...], after: tuple[str, ...]) -> list[str]:
    added, gone = sorted(set(after) - set(before)), sorted(set(before) - set(after))
    return [*(f"+ {name}" for name in added), *(f"- {name}" for name in gone)]


def _base(before: KeyParts, after: KeyParts) -> str:
    digests = f"{short(before.base_digest)} → {short(after.base_digest)}"
    if before.base_name == after.base_name:
        return f"{after.base_name} is another one now ({digests})"
    return f"{before.base_name} → {after.base_name} ({digests})"


def short(digest: str) -> str:
    return digest.removeprefix("sha256:")[:DIGITS]
