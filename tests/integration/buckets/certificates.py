"""A certificate authority of the tests, and a server's certificate signed by it: made by `openssl`."""

from __future__ import annotations

import subprocess
from pathlib import Path


def make(folder: Path, names: str = "IP:127.0.0.1,DNS:localhost,DNS:*.localhost") -> Path:
    """`public.crt` and `private.key` for a server in `folder`, which is returned, and `ca.pem` beside it."""
    folder.mkdir(parents=True)
    ca, key = folder.parent / "ca.pem", folder.parent / "ca.key"
    new = ["req", "-newkey", "rsa:2048", "-nodes", "-batch"]
    _openssl(*new, "-x509", "-days", "2", "-subj", "/CN=authority of the tests", "-keyout", key, "-out", ca)
    request, extensions = folder.parent / "request.pem", folder.parent / "extensions"
    _openssl(*new, "-subj", "/CN=server", "-keyout", folder / "private.key", "-out", request)
    extensions.write_text(f"subjectAltName={names}\n")
    signing = ["-CA", ca, "-CAkey", key, "-CAcreateserial", "-days", "2", "-extfile", extensions]
    _openssl("x509", "-req", "-in", request, *signing, "-out", folder / "public.crt")
    return folder


def _openssl(*words: object) -> None:
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
