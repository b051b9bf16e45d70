import torch
from transformers.models.gpt2.configuration_gpt2 import GPT2Config
from transformers.models.gpt2.modeling_gpt2 import GPT2LMHeadModel

if __name__ == "__main__":
    model = GPT2LMHeadModel(GPT2Config(vocab_size=90, n_embd=48, n_layer=2, n_head=4, n_positions=32))
    model.eval()
    model(input_ids=torch.zeros(1, 12, dtype=torch.long), use_cache=False)
