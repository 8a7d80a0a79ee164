"""One module per study, with the content of the study's notebook. The functions of a module take a Study and return its numbers as a
table, its figure, and its answer as text. Every number in the text is computed from the runs."""
