"""What the SDK does with an object, the small client finds, and the other way round."""

from __future__ import annotations

import io

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.integration.s3.clients import Scene

# All that may be in a name of a file, on servers that keep objects in files; not `\`, which MinIO reads as `/`.
LETTERS = st.characters(blacklist_categories=("Cs", "Cc", "Cn"), blacklist_characters="/\\")
NAME = st.text(LETTERS | st.sampled_from(" +%=~&?#'\"<>:;,@!$*()[]{}|^`"), min_size=1, max_size=20).filter(
    lambda name: name.strip(". ") == name and len(name.encode()) < 100
)
KEY = st.lists(NAME, min_size=1, max_size=3).map("/".join)
# Every example has the bucket that the others have filled: keys are looked for one by one, and then taken away.
EXAMPLES = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@EXAMPLES
@given(key=KEY, content=st.binary(max_size=100))
def test_a_key_of_any_letters_is_the_same_for_both(scene: Scene, key: str, content: bytes) -> None:
    small, sdk, bucket = scene.small(), scene.bucket.server.client(), scene.bucket.name
    name = scene.place.in_bucket(key)
    sdk.put_object(bucket, name, io.BytesIO(content), len(content))
    assert small.get(key) == content
    assert [found.key for found in small.every(key) if found.key == key] == [key]
    assert key.split("/")[-1] in small.children(key.rpartition("/")[0])
    small.delete([key, "another"])
    assert key not in [found.key for found in small.every("")]

    small.put(key, content)
    found = sdk.get_object(bucket, name)
    assert found.read() == content
    found.close()
    found.release_conn()
    status, ours = sdk.stat_object(bucket, name), small.head(key)
    assert ours is not None
    assert status.last_modified is not None
    assert (ours.size, ours.modified) == (status.size, status.last_modified.timestamp())
    listed = [(each.object_name, each.size) for each in sdk.list_objects(bucket, name, recursive=True)]
    assert [(scene.place.in_bucket(each.key), each.size) for each in small.every(key)] == listed
    small.delete([key])
    assert small.head(key) is None


def test_a_bucket_without_a_prefix_is_listed_from_its_root(scene: Scene) -> None:
    everything = Scene(scene.bucket, "")
    scene.small().put("k", b"")
    everything.small().put("l", b"")
    assert [found.key for found in everything.small().every("")] == ["l", f"{scene.prefix}/k"]
    assert everything.small().children("") == ["l", scene.prefix.split("/")[0]]
    assert [found.key for found in scene.small().every("")] == ["k"]
