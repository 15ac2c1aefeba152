"""Gives an index the vectors of another model: new indices beside the old ones, filled while everybody works
on, and put in their place in one step, which can be taken back."""
