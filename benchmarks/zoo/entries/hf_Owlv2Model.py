import torch
from transformers.models.owlv2.configuration_owlv2 import Owlv2Config, Owlv2TextConfig, Owlv2VisionConfig
from transformers.models.owlv2.modeling_owlv2 import Owlv2Model

if __name__ == "__main__":
    config = Owlv2Config(
        projection_dim=32,
        text_config=Owlv2TextConfig(
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
            vocab_size=100,
            max_position_embeddings=64,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        ),
        vision_config=Owlv2VisionConfig(
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
            image_size=64,
            patch_size=16,
        ),
    )
    model = Owlv2Model(config)
    model.eval()
    model(input_ids=torch.zeros(1, 16, dtype=torch.long), pixel_values=torch.zeros(1, 3, 64, 64))
