"""What a cluster needs for faces (templates, pipelines, roles, the plugin), and the connection to it."""
