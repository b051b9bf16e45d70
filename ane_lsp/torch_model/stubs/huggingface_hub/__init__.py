"""huggingface_hub: nothing of it computes shapes; only the dataclass decorators matter to configurations."""


