"""The worker: the process in which the engine has Python operators run.

The engine starts `python -m wrasse.worker` with a socket as its standard input. Small
messages go over the socket, rows through two pairs of files that both sides have mapped
(`columns` says how they lie there). `python -m wrasse.worker describe` says, before a
run, what the operators of a recipe are; the program `guard.py` ends what a killed engine
leaves behind.
"""
