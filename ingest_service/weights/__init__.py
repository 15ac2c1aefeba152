"""The cache of networks and sample faces (``cache``), and what fills it (``prepare``), which serving never
imports."""
