import torch
from transformers.models.falcon_h1.configuration_falcon_h1 import FalconH1Config
from transformers.models.falcon_h1.modeling_falcon_h1 import FalconH1ForCausalLM

if __name__ == "__main__":
    config = FalconH1Config(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        num_key_value_heads=2,
        vocab_size=100,
        max_position_embeddings=64,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = FalconH1ForCausalLM(config)
    model.eval()
    model(input_ids=torch.zeros(1, 16, dtype=torch.long))
