"""The parts of Kibana's saved objects. The same input always gives the same bytes."""
