"""Scripts of other tools, run unmodified: `wrasse script FILE.py`.

`hook` answers `ray.data` and `datatrove.executor` for the duration of a script; `raydata`
and `datatrove` are the answers, which write down what the script asks for as datasets of
`wrasse`; `engine` has the program run these. `unsupported` says what has no answer.
"""
