"""Windows that slide over axes: what the questions about output sizes share (convolution, pooling, transposed).

`windows` has the formulas of one axis and brute force that knows none. `reading` takes the givens apart, `question`
puts letters in their place, `sizing` answers with the output and `solving` with what gives it, `slips` holds the
common wrong answers, and `work` the derivations and the brute-force checks, which are made only when somebody looks.
"""
