import torch
from transformers.models.mimi.configuration_mimi import MimiEncoderConfig
from transformers.models.mimi.modeling_mimi import MimiEncoderModel

if __name__ == "__main__":
    config = MimiEncoderConfig(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        num_key_value_heads=2,
        max_position_embeddings=64,
        head_dim=16,
    )
    model = MimiEncoderModel(config)
    model.eval()
    model(input_values=torch.zeros(1, 1, 16000))
