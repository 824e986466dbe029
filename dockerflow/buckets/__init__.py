"""A store in an S3 bucket, as the host sees it: on the minio SDK.

What it promises is `dockerflow.store`'s part; what a container gets to see of the same bucket goes through the small
client `dockerflow.store.s3`.
"""
