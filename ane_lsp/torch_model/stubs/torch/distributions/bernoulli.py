from torch.distributions.distribution import Bernoulli
