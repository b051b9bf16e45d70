"""torch.masked: operations only."""
