"""A stand-in for `py-data-juicer`, which brings gigabytes along.

It has the interface that its operators are called by, and a few operators that do
what theirs do. The tests that use it pass with the real one too, if that is
installed; then this is not used.
"""
