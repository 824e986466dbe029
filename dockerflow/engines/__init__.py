"""Where workers run.

`worker` is what every engine gives; `docker` and `process` are the engines. `errors` says what may go wrong and
`boundary` turns the Docker SDK's exceptions into those. `streams` is Docker's wire format, `container` what a
worker's container may and may not do.
"""
