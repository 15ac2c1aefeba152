"""Gives documents their faces from the client side: what the plugin's processor [face] writes, where none
runs."""
