"""Rules: Graph -> findings, one module per rule family."""
