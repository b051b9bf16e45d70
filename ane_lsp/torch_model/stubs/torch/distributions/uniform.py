from torch.distributions.distribution import Uniform
