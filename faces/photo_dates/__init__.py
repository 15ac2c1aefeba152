"""When a photo was taken, if it has no EXIF date: by files beside it, by XMP, by the file's own time."""
