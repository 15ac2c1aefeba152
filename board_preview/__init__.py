"""Draws every Vega panel of the boards in a real browser, with Kibana's rules and real documents."""
