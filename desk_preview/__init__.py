"""The desk with the sample faces, in a real Chromium, for developers. In no wheel."""
