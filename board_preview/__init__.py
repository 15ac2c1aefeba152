"""Draws the boards' Vega panels in a real browser, by Kibana's rules and from real documents."""
