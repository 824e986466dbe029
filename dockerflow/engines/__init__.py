"""Where workers run.

`worker` is what every engine gives; `docker` and `process` are the engines. Both start the same `command`, hear a
worker through a `listener` and talk to it through a `sender`. Of Docker: `container` is what a worker's container may
and may not do, `exits` how containers end, `leftovers` what a kill leaves of them, `boundary` what the SDK's exceptions
mean. `errors` says what may go wrong.

How an engine is reached is in `connection`: `address` is what a URL says, `tunnel` the way by ssh, whose words are in
`ssh_words`, `sockets` how the SDK connects, `contexts` docker's own addresses, `about` what the engine says of itself.
`watch` knows whether a remote host answers, by way of its `links`.
"""
