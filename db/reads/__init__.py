"""The read path: from a neutral selection to one statement whose result is the answer's bytes."""
