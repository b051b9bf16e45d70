"""torch.fft: operations only."""
