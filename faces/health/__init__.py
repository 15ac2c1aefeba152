"""What runs, what is installed and what is indexed; and for each thing that is wrong, what mends it.

Each module looks at one part of it: it asks, keeps what it learnt in a frozen dataclass, and finds what is
wrong with that.
"""
