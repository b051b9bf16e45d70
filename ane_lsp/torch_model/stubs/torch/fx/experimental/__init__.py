"""Parts of torch.fx."""
