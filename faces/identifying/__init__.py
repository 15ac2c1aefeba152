"""Who a face is: compares faces with the people of a gallery as the plugin's ``identify`` does, and writes
the same fields. It needs neither the plugin nor, for stored faces, the inference service."""
