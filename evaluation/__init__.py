"""The numbers that this project claims, each measured by one command."""
