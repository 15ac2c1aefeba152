"""What ``kibana.lint`` checks, one concern a module."""
