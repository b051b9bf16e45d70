import torch
from transformers.models.funnel.configuration_funnel import FunnelConfig
from transformers.models.funnel.modeling_funnel import FunnelModel

if __name__ == "__main__":
    config = FunnelConfig(vocab_size=100, d_model=64)
    model = FunnelModel(config)
    model.eval()
    model(input_ids=torch.zeros(1, 16, dtype=torch.long))
