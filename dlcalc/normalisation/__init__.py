"""Batch, layer, RMS, group and instance normalisation: what the questions about them share.

`arrays` reads data of any number of axes, `groups` says which entries are normalised together, `moments` computes their
mean, variance and normalised values exactly, `programs` has the one program text per kind that the calculus package
differentiates. `data`, `running`, `backward` and `comparing` answer on
given data; `formulas` in letters, with `proofs` and `meanings`; `bruteforce` normalises without knowing a formula.
"""
