"""Wrasse on Ray.

`gateway` is the process that the engine starts and speaks to; `worker` is what
runs on the nodes; `private` lists what of Ray is not promised to stay, each with
what is used instead where it is gone; `jobs` hands a whole run to a cluster.
"""
