"""`ray.data` of Ray 2.60, answered by Wrasse.

`api` is the module that scripts import, `dataset` its `Dataset`; `sources` reads, `values`
and `batches` turn rows and tables into what functions take; `steps` and `columns` are what
runs in workers.
"""
