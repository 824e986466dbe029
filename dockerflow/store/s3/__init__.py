"""The small S3 client: what a step container needs of a bucket, with the standard library of Python 3.7 alone.

objects                what a client of a bucket does: this one, and the host's on the minio SDK
client                 this one: `SmallObjects`
reading, multipart, listing    what takes more than one request
exchange               one request: signed by `signing`, tried again by `patience`, refused in the words of `refusals`
connections, wire      HTTP/1.1, kept alive
place                  where a bucket is, and the URLs of its keys
access, line, granted  what a step may do in the bucket, and how it asks its scheduler for the rest
"""
