import torch
from transformers.models.openai_privacy_filter.configuration_openai_privacy_filter import OpenAIPrivacyFilterConfig
from transformers.models.openai_privacy_filter.modeling_openai_privacy_filter import OpenAIPrivacyFilterModel

if __name__ == "__main__":
    config = OpenAIPrivacyFilterConfig(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        num_key_value_heads=2,
        vocab_size=100,
        max_position_embeddings=64,
        head_dim=16,
        num_local_experts=4,
        num_experts_per_tok=2,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
    )
    model = OpenAIPrivacyFilterModel(config)
    model.eval()
    model(input_ids=torch.zeros(1, 16, dtype=torch.long))
