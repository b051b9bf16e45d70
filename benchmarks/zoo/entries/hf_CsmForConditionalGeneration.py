import torch
from transformers.models.csm.configuration_csm import CsmConfig, CsmDepthDecoderConfig
from transformers.models.csm.modeling_csm import CsmForConditionalGeneration

if __name__ == "__main__":
    config = CsmConfig(
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        intermediate_size=128,
        num_key_value_heads=2,
        vocab_size=100,
        max_position_embeddings=64,
        head_dim=16,
        pad_token_id=0,
        bos_token_id=1,
        eos_token_id=2,
        depth_decoder_config=CsmDepthDecoderConfig(
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=4,
            intermediate_size=128,
            num_key_value_heads=2,
            vocab_size=100,
            max_position_embeddings=64,
            head_dim=16,
            pad_token_id=0,
            bos_token_id=1,
            eos_token_id=2,
        ),
    )
    model = CsmForConditionalGeneration(config)
    model.eval()
    model(input_ids=torch.zeros(1, 16, dtype=torch.long))
