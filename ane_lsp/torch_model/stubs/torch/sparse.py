"""torch.sparse: operations only."""
