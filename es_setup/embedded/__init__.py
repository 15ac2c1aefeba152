"""A real Elasticsearch on this machine, with the plugin: brought once, started and stopped."""
