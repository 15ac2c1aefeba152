"""What ``kibana.lint`` checks, one concern a module, and what these read: files, fields, KQL."""
