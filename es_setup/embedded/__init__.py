"""A real Elasticsearch with the plugin on this machine: downloaded once, started and stopped."""
