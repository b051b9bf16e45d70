from torch.utils.data import BatchSampler, RandomSampler, Sampler, SequentialSampler
