"""Pages and charts that several reports share."""
