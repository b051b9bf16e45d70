import torch
from transformers.models.deepseek_v4.configuration_deepseek_v4 import DeepseekV4Config
from transformers.models.deepseek_v4.modeling_deepseek_v4 import DeepseekV4Model

if __name__ == "__main__":
    config = DeepseekV4Config(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        vocab_size=100,
        max_position_embeddings=64,
        head_dim=16,
        n_routed_experts=4,
        num_experts_per_tok=2,
        moe_intermediate_size=32,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        q_lora_rank=32,
    )
    model = DeepseekV4Model(config)
    model.eval()
    model(input_ids=torch.zeros(1, 16, dtype=torch.long), attention_mask=torch.ones(1, 16, dtype=torch.long))
