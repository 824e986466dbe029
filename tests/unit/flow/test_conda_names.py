"""What conda calls the package of a module."""

from __future__ import annotations

import pytest

from dockerflow.flow.conda_names import PACKAGES, package_of


@pytest.mark.parametrize(
    ("module", "package"),
    [
        ("sklearn.linear_model", "scikit-learn"),
        ("yaml", "pyyaml"),
        ("google.cloud.storage.blob", "google-cloud-storage"),
        ("numpy", "numpy"),
        ("pandas.api.types", "pandas"),
    ],
)
def test_module_leads_to_its_package(module: str, package: str) -> None:
    assert package_of(module) == package


def test_only_names_that_differ_are_listed() -> None:
    assert [name for name, package in PACKAGES.items() if name == package] == []
