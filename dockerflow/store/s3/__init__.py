"""The small S3 client: what a step container needs of a bucket, with the standard library of Python 3.7 alone.

objects     what a client of a bucket does: this one, and the host's on the minio SDK
"""
