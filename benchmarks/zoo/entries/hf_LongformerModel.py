import torch
from transformers import LongformerConfig, LongformerModel

if __name__ == "__main__":
    model = LongformerModel(
        LongformerConfig(
            vocab_size=100,
            attention_window=8,
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
        )
    )
    model.eval()
    model(input_ids=torch.zeros(1, 16, dtype=torch.long))
