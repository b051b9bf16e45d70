"""torch.linalg: operations only."""
