"""torch.special: operations only."""
