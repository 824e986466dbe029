"""What a step may do in the bucket of its store: read blobs, runs and its run's outbox, leave bytes under their hash.

Said twice, and both hold the same: as the policy of credentials, for a server that gives out credentials of one's own
making, and as a judgement on a request that a step wants signed. What is not written here is refused.

A blob is shared by all runs, so a step must not be able to put anything else there: a PUT is signed with the hash of
its bytes, which the server compares. A blob that is too large for one request goes to the run's own outbox in parts,
and from there the scheduler takes it.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from dockerflow.store.runs import outbox_key
from dockerflow.store.s3.access import ToSign
from dockerflow.store.s3.place import Place

# What steps may read, below the prefix.
READABLE = ("blobs", "runs")

CHECKSUM = "x-amz-checksum-sha256"

# Headers that a step may have signed with its requests: none that means another operation, as a copy is.
_WHEN_PUT = {CHECKSUM, "if-none-match", "content-md5", "content-type"}
_IN_PARTS = {CHECKSUM, "x-amz-checksum-algorithm", "content-md5", "content-type"}
_WHEN_READ = {"x-amz-checksum-mode"}
_LISTING = {"list-type", "prefix", "delimiter", "continuation-token", "start-after", "max-keys", "encoding-type"}

_BLOB = re.compile(r"blobs/([0-9a-f]{2})/(\1[0-9a-f]{62})")
_HASH = re.compile(r"[0-9a-f]{64}")

# What has a meaning in the resources of a policy.
_SPECIAL = re.compile(r"[*?$]")


def reading_policy(place: Place, flow: str, run_id: str) -> str | None:
    """Of credentials for steps; None where the prefix cannot be said in a policy."""
    below = [place.in_bucket(name) for name in READABLE]
    readable = [*below, place.in_bucket(outbox_key(flow, run_id))]
    return _policy(
        place,
        _allow(["s3:GetObject"], [f"{place.bucket}/{each}/*" for each in readable]),
        {
            **_allow(["s3:ListBucket"], [place.bucket]),
            "Condition": {"StringLike": {"s3:prefix": [f"{each}/*" for each in below]}},
        },
    )


def writing_policy(place: Place, flow: str, run_id: str) -> str | None:
    """Of the credentials with which the scheduler signs what steps write. They cannot read: on some servers a header
    that nobody signed makes a PUT a copy of any object that the credentials may read."""
    below = [place.in_bucket(name) for name in ("blobs", outbox_key(flow, run_id))]
    actions = ["s3:PutObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    return _policy(place, _allow(actions, [f"{place.bucket}/{each}/*" for each in below]))


def _policy(place: Place, *statements: Mapping[str, Any]) -> str | None:
    if _SPECIAL.search(place.prefix):
        return None
    return json.dumps({"Version": "2012-10-17", "Statement": statements}, separators=(",", ":"))


def _allow(actions: Sequence[str], resources: Sequence[str]) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": actions, "Resource": [f"arn:aws:s3:::{each}" for each in resources]}


def refusal(place: Place, flow: str, run_id: str, request: ToSign) -> str | None:
    """Why a step of this run may not have this request signed; None: it may."""
    query, headers = dict(request.query), dict(request.headers)
    if len(query) < len(request.query) or len(headers) < len(request.headers):
        return "it says something twice"
    if request.method in ("GET", "HEAD"):
        allowed = headers.keys() <= _WHEN_READ and _may_read(place, request.key, query, outbox_key(flow, run_id))
    elif request.method == "PUT" and not query:
        allowed = headers.keys() <= _WHEN_PUT and _is_its_own_hash(request.key or "", headers)
    else:
        allowed = headers.keys() <= _IN_PARTS and _is_multipart(request, query, outbox_key(flow, run_id))
    return None if allowed else "a step reads blobs and runs, and writes blobs under their own hash"


def _may_read(place: Place, key: str | None, query: Mapping[str, str], outbox: str) -> bool:
    if key is not None:
        below = tuple(f"{name}/" for name in (*READABLE, outbox))
        return not query and key.startswith(below) and not _leads_elsewhere(key)
    if _leads_elsewhere(query.get("prefix", "")):
        return False
    below = tuple(place.in_bucket(f"{name}/") for name in READABLE)
    return query.get("list-type") == "2" and query.keys() <= _LISTING and query.get("prefix", "").startswith(below)


def _leads_elsewhere(key: str) -> bool:
    """Servers that keep objects as files, and what is before them, may go up by such a name."""
    return not {".", ".."}.isdisjoint(re.split(r"[/\\]", key))


def _is_its_own_hash(key: str, headers: Mapping[str, str]) -> bool:
    found = _BLOB.fullmatch(key)
    return found is not None and headers.get(CHECKSUM) == base64.b64encode(bytes.fromhex(found[2])).decode()


def _is_multipart(request: ToSign, query: Mapping[str, str], outbox: str) -> bool:
    """Begin, send a part, complete, give up: of an object in the run's own outbox."""
    folder, _, name = (request.key or "").rpartition("/")
    if folder != outbox or not _HASH.fullmatch(name):
        return False
    asked = (request.method, frozenset(query))
    return asked in {
        ("POST", frozenset({"uploads"})),
        ("PUT", frozenset({"partNumber", "uploadId"})),
        ("POST", frozenset({"uploadId"})),
        ("DELETE", frozenset({"uploadId"})),
    }
