from tests.integration.store.conftest import blobs, store, where

__all__ = ["blobs", "store", "where"]
