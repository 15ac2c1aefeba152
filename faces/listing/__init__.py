"""Lists of people and of their photos, by what people said: names, and, where it is asked for, matches."""
