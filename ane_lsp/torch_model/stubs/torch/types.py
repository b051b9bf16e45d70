"""Names for annotations."""

from typing import Any

import torch

_TensorOrTensors = Any
_bool = bool
_complex = complex
_device = torch.device
_dispatchkey = Any
_dtype = torch.dtype
_float = float
_int = int
_layout = Any
_qscheme = Any
_size = Any
Device = Any
FileLike = Any
IntLikeType = int
FloatLikeType = float
BoolLikeType = bool
Number = (int, float, bool)
Storage = Any
Tensor = torch.Tensor
