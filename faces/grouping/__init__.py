"""Groups of faces that nobody has named, each probably of one person: the machine's guess, made anew at any
time. It needs neither the plugin nor the inference service."""
