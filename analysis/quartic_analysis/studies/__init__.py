"""One module a study: what its notebook shows. Each has functions that take a Study and return the numbers as a
table, the figure, and the answer as text whose numbers are computed from the runs."""
