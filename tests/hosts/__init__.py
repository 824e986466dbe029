"""Remote Docker hosts on this one machine: each a world of its own (see `tests.engines.daemons`) at the end of a link.

link        the network: an address of its own, and a link to this machine that can be cut
keys        what one needs to be let in: an SSH key and a server's own, certificates for TLS
machines    such a host: an engine, a real sshd at its defaults, `cut`, `mend`, `kill`, `restart`
fixtures    hosts as pytest fixtures, and a user's configuration that names them
"""
