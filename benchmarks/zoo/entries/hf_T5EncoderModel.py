import torch
from transformers.models.t5.configuration_t5 import T5Config
from transformers.models.t5.modeling_t5 import T5EncoderModel

if __name__ == "__main__":
    model = T5EncoderModel(T5Config(vocab_size=90, d_model=48, d_kv=12, d_ff=96, num_layers=2, num_heads=4))
    model.eval()
    model(input_ids=torch.zeros(1, 12, dtype=torch.long))
