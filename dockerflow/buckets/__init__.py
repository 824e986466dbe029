"""A store in an S3 bucket, as the host sees it: on the minio SDK.

opening       a store by its name: `open_store("s3://bucket/prefix", config)`
places        which server, bucket and region the settings mean, for this machine and for containers
trust         the certificates that this machine trusts servers by, for containers
credentials   who we are to the server: variables, profiles, files
sdk           the client of a bucket
patience      asking again what may succeed
spool         keeping on this machine what a server cannot take, and delivering it later
refusals      what the server or the connection says, as errors of ours

What a store promises is `dockerflow.store`'s part; what a container gets to see of the same bucket goes through the
small client `dockerflow.store.s3`.
"""
