"""Matrix calculus in exam notation.

notation.program   text -> untyped statements with their places
inference          statements -> shape-typed terms (`terms`, `dims`), by declaration, convention and unification
reverse            one rule per operation: what δ of a term contributes to the names in it (`functions`: the table)
derivation         δ of every quantity, from the loss back; paths, sums, simplified (`simplify`), in given names
exact, batches     terms on given numbers (plain Python, exact), and at many points (NumPy)
checking           every line read again and compared with the complex step and central differences
marking            answers handed in: shape, value, the slip behind a wrong one
entrywise          terms on entries that are scalar expressions: exact values, symbols among numbers
scalar             derivatives of scalar expressions, by the same engine
chain, sampled     a claim a = b <= c that is handed in, compared at simple points (exact) and random ones (NumPy)
proof              proofs that two terms are equal
graph, code        the computational graph, a NumPy function of the gradients
data, problem      given numbers; what is asked
"""
