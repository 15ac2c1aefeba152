"""All that talks to Elasticsearch: what a person would PUT by hand, the plugin, and the ``faces`` command."""
