"""A Python value as bytes, and back.

    codec      the format of an encoded value; what cannot be encoded or decoded, and why
    protocol   pickle protocol 5 on every Python from 3.7 on
    typed      which objects are pickled in a form of ours
    arrays     numpy's arrays and scalars, taken apart
    texts      arrays of texts, taken apart
    tables     pandas' tables, indexes and values, taken apart
    matrices   scipy's sparse matrices, taken apart and put together again
    masked     numpy's masked arrays, taken apart and put together again
    generators numpy's random generators, likewise
    rebuild    all others put together again, by any version
    described  pandas' arrays, for that
    distant    times that pandas 1 cannot hold
    blame      what inside a value keeps it from being encoded
    libraries  which versions wrote a value, and which are here

Shipped into step containers: standard library only, Python 3.7. It imports nothing of dockerflow but `errors`, and
numpy and pandas only where a value needs them.
"""
