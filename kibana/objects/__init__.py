"""What Kibana's saved objects are made of: the same input gives the same bytes."""
