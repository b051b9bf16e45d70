"""Argument strategies by op family; importing a module registers its cases."""
