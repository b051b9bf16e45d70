"""What is known about Apple's Neural Engine: targets, op support, limits, rule pages. Everything is read from ``rules/``."""
