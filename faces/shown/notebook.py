"""Text from outside in a notebook: as it is."""

from __future__ import annotations


def plain_outputs() -> None:
    """From now on, pandas' and eland's tables and matplotlib's charts show text as it is: between dollar
    signs a browser would read it as a formula, which may have links, and matplotlib may fail over it.
    """
    import matplotlib as mpl
    import pandas as pd

    pd.set_option("display.html.use_mathjax", False)
    mpl.rcParams["text.parse_math"] = False
    mpl.rcParams["text.usetex"] = False
