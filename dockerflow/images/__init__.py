"""A lock becomes an image on an engine: assembled from package archives, not built by commands.

The way through, one subject per file:

    packages  archive  metadata       an archive is fetched, verified, read as a stream, understood
    prefix  tar  record  layer        … and becomes a layer
    wheel_tags  wheel  wheel_layer    the same for wheels
    needs  grouping  clashes  facts   which packages share a layer, in which order; whose a file is
    layer_cache  skeleton  base       layers on disk, ours, the base's
    bytecode  compiler                `.pyc` files that packages come without, made in a container
    assembly  builder  oci  image     … and become an image, a value with two digests
    load_archive  load  engine        the image goes to an engine, which is sent only what it lacks
    ways  ahead                       … while its last layers are still being made
    remote  far  wire  turns  by_registry    … to a remote host: compressed, in pieces, on after a cut; or by a registry
    build_record  build_history  changes    what an image was made from; why it is another than it was
    own_image  own_python  copying    a user's own image: found, pulled or sent, and the Python in it
    kept  recorded_base               the base that a past run had, and images that a store keeps
    provide                           all of it: `ImageProvider(client, base, cache_dir).provide(lock)`
    again  obtainable  gone           the image of a past run, had again: of what can be had today; why it cannot

What becomes of images that are there:

    inventory  naming                 what engine, cache and store know of them; which one is meant
    saved  retrieve  export           an image is had back whole, and goes into a file
    repository  registry_login  registry  push  pushed    … or to a registry, which is remembered
    sbom                              what is in one, told from its lock
    cache_lock  cache_files  prune    what nobody uses any more goes

Nothing is imported here: the Docker SDK and py-rattler cost a second, which only commands that need them shall pay.
"""

__all__: list[str] = []
