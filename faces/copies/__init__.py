"""One picture several times: the same bytes, saved again in another size or quality, or slightly cropped."""
