"""torch.nested: operations only."""
