"""What a machine needs for a run: looked at (`doctor`), and put there where it is missing (`steps`).

doctor           engine, base image, store, channels, disk: what is there and what is not
steps            the same, and mends what is missing
finding          the value that both speak in
engine           find Docker's engine; install and start it where that can be done
base_image       pull the base image, or make it from Debian's packages
channel          a conda channel of this machine's own, from PyPI's wheels and this machine's Python
  wheels           resolve, download and read wheels
  interpreter      the Pythons of this machine
  wheel_package    a wheel as a conda package
  python_package   an interpreter as a conda package
  archive          a conda package as a file
  names            names and version specs, PyPI's and conda's
hosts            what a run needs of a Docker host, each thing tried there
  host_base        the base image on it: found, sent or pulled
  store_there      whether containers on it reach the store
  trial            a container on it, for a look
services         the object server of this machine: `dockerflow up` and `down`
  minio_server     its container
  minio_image      the image of that
  minio            which version of MinIO, and its program
  go_programs      programs that are built from Go modules
"""
