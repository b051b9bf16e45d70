from torch.distributions.distribution import Normal
