"""What is in an image, as a CycloneDX document that scanners and registries of software read.

It is made from the lock alone, so the same lock gives the same bytes: no time, and a serial number that is a hash.
Every package has its purl, the hash of its archive and what it needs; the base image is a component by its digest,
since what is inside it is not ours to tell.

    https://cyclonedx.org/docs/1.6/json/
    https://github.com/package-url/purl-spec (types `conda`, `pypi`, `oci`)
"""

from __future__ import annotations

import hashlib
import re
import uuid
from urllib.parse import urlsplit

from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
from cyclonedx.model.bom import Bom, BomMetaData
from cyclonedx.model.component import Component, ComponentType
from cyclonedx.output.json import JsonV1Dot6
from packageurl import PackageURL

from dockerflow.environments.lock import Lock, LockedPackage
from dockerflow.images.needs import needs
from dockerflow.lazy_dataclasses import dataclass

# Part of the serial number. Raise it when the same lock would now be told otherwise.
_VERSION = 1


@dataclass(frozen=True)
class Subject:
    """What the document is about. The digests are empty for an image that was not built yet."""

    name: str
    version: str = ""
    manifest_digest: str = ""
    base_name: str = ""
    base_digest: str = ""


def cyclonedx(lock: Lock, subject: Subject) -> str:
    """The document, as indented JSON that ends with a line end."""
    root = _root(subject)
    packages = {package: _package(package) for package in lock.packages}
    base = _base(subject)
    bom = Bom(
        components=[*packages.values(), *([base] if base else [])],
        serial_number=_serial_number(lock, subject),
        metadata=BomMetaData(component=root, properties=_properties(lock)),
    )
    bom.metadata.timestamp = None  # type: ignore[assignment]  # the library's own default is the present
    names = {"python", *map(_plain, lock.requested)}
    asked = [component for package, component in packages.items() if _plain(package.name) in names]
    bom.register_dependency(root, [*asked, *([base] if base else [])])
    for package, needed in needs(lock).items():
        bom.register_dependency(packages[package], [packages[one] for one in needed if one != package])
    return JsonV1Dot6(bom).output_as_string(indent=2) + "\n"


def _root(subject: Subject) -> Component:
    return Component(
        name=subject.name,
        version=subject.version or None,
        type=ComponentType.CONTAINER,
        bom_ref="image",
        hashes=_hashes(subject.manifest_digest.removeprefix("sha256:")),
    )


def _base(subject: Subject) -> Component | None:
    if not subject.base_name:
        return None
    name, _, tag = subject.base_name.partition("@")[0].rpartition(":")
    name, tag = (name, tag) if name and "/" not in tag else (f"{name}:{tag}".strip(":"), "")
    return Component(
        name=name,
        version=tag or None,
        type=ComponentType.CONTAINER,
        bom_ref="base",
        hashes=_hashes(subject.base_digest.removeprefix("sha256:")),
        purl=PackageURL(type="oci", name=name.rpartition("/")[2], version=subject.base_digest or None),
        properties=[Property(name="dockerflow:role", value="base image")],
    )


def _package(package: LockedPackage) -> Component:
    return Component(
        name=package.name,
        version=package.version,
        type=ComponentType.LIBRARY,
        bom_ref=f"{package.manager}:{package.name}",
        hashes=_hashes(package.sha256, package.md5),
        purl=_conda_purl(package) if package.manager == "conda" else _pypi_purl(package),
        external_references=_references(package),
    )


def _conda_purl(package: LockedPackage) -> PackageURL:
    channel, subdir = [*urlsplit(package.url).path.split("/"), "", ""][-5:-3] if package.url else ("", "")
    qualifiers = {"build": package.build, "channel": channel, "subdir": subdir, "type": _format(package)}
    return PackageURL(
        type="conda", name=package.name, version=package.version, qualifiers={k: v for k, v in qualifiers.items() if v}
    )


def _format(package: LockedPackage) -> str:
    return next((kind for kind in ("conda", "tar.bz2") if package.file_name.endswith(f".{kind}")), "")


def _pypi_purl(package: LockedPackage) -> PackageURL:
    return PackageURL(type="pypi", name=_plain(package.name), version=package.version)


def _references(package: LockedPackage) -> list[ExternalReference]:
    """Where the archive is from, unless it is a place on somebody's machine."""
    if urlsplit(package.url).scheme not in ("http", "https"):
        return []
    return [ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(package.url))]


def _hashes(sha256: str, md5: str | None = None) -> list[HashType]:
    found = [(HashAlgorithm.SHA_256, sha256), (HashAlgorithm.MD5, md5)]
    return [HashType(alg=kind, content=value) for kind, value in found if value]


def _plain(name: str) -> str:
    """The one spelling of a name in pip's world; conda's names are none the worse for it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _properties(lock: Lock) -> list[Property]:
    return [
        Property(name="dockerflow:lock", value=lock.lock_hash),
        Property(name="dockerflow:platform", value=lock.platform),
    ]


def _serial_number(lock: Lock, subject: Subject) -> uuid.UUID:
    record = "\n".join(["dockerflow.sbom", str(_VERSION), lock.lock_hash, *map(str, vars(subject).values())])
    return uuid.UUID(bytes=hashlib.sha256(record.encode()).digest()[:16], version=5)
