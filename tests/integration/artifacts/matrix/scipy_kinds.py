"""scipy's sparse matrices and arrays of every form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import sparse


def matrices() -> dict[str, Any]:
    dense = np.array([[0, 1.5, 0, 2], [0, 0, 0, 0], [3, 0, 4, 0]])
    made: dict[str, Any] = {}
    for form in ["csr", "csc", "coo", "bsr", "dia", "lil", "dok"]:
        for family in ("matrix", "array"):
            kind = getattr(sparse, f"{form}_{family}")
            made[f"{form}_{family}"] = kind(dense)
            made[f"{form}_{family} of whole numbers"] = kind(dense.astype("int8"))
        made[f"{form}_matrix empty"] = getattr(sparse, f"{form}_matrix")((4, 3), dtype="f4")
    made["bsr in blocks"] = sparse.bsr_matrix(np.kron(np.eye(3), [[1.0, 2], [3, 4]]), blocksize=(2, 2))
    made["coo with one place twice"] = sparse.coo_matrix(([1.0, 2, 4], ([0, 0, 1], [1, 1, 2])), shape=(2, 3))
    made["csr not sorted"] = sparse.csr_matrix(
        (np.array([1.0, 2]), np.array([2, 0]), np.array([0, 2, 2])), shape=(2, 3)
    )
    made["csr with stored zeros"] = sparse.csr_matrix((np.array([0.0, 2]), np.array([0, 2]), np.array([0, 1, 2])))
    made["csr complex"] = sparse.csr_matrix(dense * 1j)
    made["csr of booleans"] = sparse.csr_array(dense > 1)
    made["csr with long indexes"] = _with_long_indexes(sparse.csr_matrix(dense))
    for name, one in {"coo_array of one axis": ([1.0, 0, 2], "coo"), "csr_array of one axis": ([0, 1], "csr")}.items():
        made[name] = _or_nothing(lambda one=one: getattr(sparse, f"{one[1]}_array")(np.array(one[0])))
    made["coo_array of three axes"] = _or_nothing(lambda: sparse.coo_array(np.arange(8).reshape(2, 2, 2)))
    return {name: value for name, value in made.items() if value is not None}


def _with_long_indexes(matrix: Any) -> Any:
    matrix.indices, matrix.indptr = matrix.indices.astype("i8"), matrix.indptr.astype("i8")
    return matrix


def _or_nothing(make: Callable[[], Any]) -> Any:
    """Older scipy knows two axes only."""
    try:
        made = make()
    except (ValueError, TypeError):
        return None
    return made if made.ndim != 2 else None
