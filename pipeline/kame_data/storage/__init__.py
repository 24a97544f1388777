"""Files and folders of a build: on this machine's disk, or in an object store by an fsspec URL.

`path_of` gives an `AnyPath`, which has the methods of `pathlib.Path` that the rooms use: a `LocalPath` for a path, a
`RemotePath` for a URL. What is written, here or there, is there whole or not at all (`files`); two commands exclude
each other by `lock`.
"""
