"""The page and the charts of the reports."""
