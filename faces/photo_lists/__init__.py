"""Lists of photos, as CSV or NDJSON, with what their sender says about each."""
