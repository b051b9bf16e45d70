import torch
from transformers import RwkvConfig, RwkvForCausalLM

if __name__ == "__main__":
    model = RwkvForCausalLM(RwkvConfig(vocab_size=100, hidden_size=64, num_hidden_layers=2))
    model.eval()
    model(input_ids=torch.zeros(1, 16, dtype=torch.long), use_cache=False)
