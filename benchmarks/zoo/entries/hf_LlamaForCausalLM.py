import torch
from transformers.models.llama.configuration_llama import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaForCausalLM

if __name__ == "__main__":
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=90,
            hidden_size=48,
            num_hidden_layers=2,
            num_attention_heads=4,
            num_key_value_heads=2,
            intermediate_size=96,
            max_position_embeddings=32,
        )
    )
    model.eval()
    model(input_ids=torch.zeros(1, 12, dtype=torch.long), use_cache=False)
