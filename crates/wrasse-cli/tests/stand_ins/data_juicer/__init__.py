"""A stand-in for `py-data-juicer`, so that the guides' tests need no package.

It has the interface that its operators are called by, and a few operators that do
what theirs do. The real ones are tested in `tests/python/test_data_juicer.py`.
"""
