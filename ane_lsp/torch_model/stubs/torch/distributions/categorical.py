from torch.distributions.distribution import Categorical
