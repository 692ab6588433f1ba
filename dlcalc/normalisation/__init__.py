"""Batch, layer, RMS, group and instance normalisation: what the questions about them share.

`arrays` reads data of any number of axes, `groups` says which entries are normalised together, `moments` computes their
mean, variance and normalised values exactly, `programs` has the one program text per kind that the calculus package
differentiates. `data` answers on given data, `letters` in letters; `bruteforce` normalises without knowing a formula.
"""
