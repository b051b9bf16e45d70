import torch
from transformers.models.qwen3.configuration_qwen3 import Qwen3Config
from transformers.models.qwen3.modeling_qwen3 import Qwen3ForCausalLM

if __name__ == "__main__":
    model = Qwen3ForCausalLM(
        Qwen3Config(
            vocab_size=90,
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=96,
            head_dim=16,
            max_position_embeddings=32,
        )
    )
    model.eval()
    model(input_ids=torch.zeros(1, 12, dtype=torch.long), use_cache=False)
