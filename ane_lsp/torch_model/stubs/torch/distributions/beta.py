from torch.distributions.distribution import Beta
