"""Where files are: on this machine's disk, or in an object store by an fsspec URL.

Local paths stay `pathlib.Path`; a URL becomes a `RemotePath`, which has the methods of `Path` that the rooms use. What
is written, here or there, is there whole or not at all (`files`); two commands exclude each other by `lock`.
"""
