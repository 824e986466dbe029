"""Where workers run.

`worker` is what every engine gives; `docker` and `process` are the engines. Both start the same `command`, hear a
worker through a `listener` and talk to it through a `sender`. Of Docker: `container` is what a worker's container may
and may not do, `streams` the wire format, `exits` how containers end, `leftovers` what a kill leaves of them,
`boundary` what the SDK's exceptions mean. `errors` says what may go wrong.
"""
