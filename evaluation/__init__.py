"""The numbers that this project claims, each by one command."""
