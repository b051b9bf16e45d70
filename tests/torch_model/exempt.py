"""Declared names that are not compared with torch, and why."""

from __future__ import annotations

EXEMPT: dict[str, str] = {
    "torch.Tensor.__setitem__": "returns nothing; test_subscript_assignment.py compares what the tensor holds afterwards",
    "torch.Tensor.cuda": "needs a GPU; the rule returns the tensor itself",
    "torch.Tensor.xpu": "needs an accelerator; the rule returns the tensor itself",
    "torch.Tensor.ipu": "needs an accelerator; the rule returns the tensor itself",
    "torch.Tensor.pin_memory": "needs an accelerator; the rule returns the tensor itself",
    "torch.from_numpy": "NumPy arrays are not modelled; the rule answers unknown",
    "torch.frombuffer": "byte buffers are not modelled; the rule gives a vector of unknown length",
    "torch.library.custom_op": "what it does is the program's own; test_stubs_framework.py compares operators that are called",
    "einops.rearrange": "not part of torch; test_einops.py compares it with einops",
    "einops.repeat": "not part of torch; test_einops.py compares it with einops",
    "einops.reduce": "not part of torch; test_einops.py compares it with einops",
    "einops.einsum": "not part of torch; test_einops.py compares it with einops",
    "einops.pack": "not part of torch; test_einops.py compares it with einops",
    "einops.unpack": "not part of torch; test_einops.py compares it with einops",
    "einops.parse_shape": "not part of torch; test_einops.py compares it with einops",
    "torch.ops.torchvision.nms": "its kernels come with torchvision's binary; test_vision.py checks written-out results",
    "torch.ops.torchvision.roi_align": "its kernels come with torchvision's binary; test_vision.py checks written-out results",
    "torch.ops.torchvision.roi_pool": "its kernels come with torchvision's binary; test_vision.py checks written-out results",
    "torch.ops.torchvision.ps_roi_align": "its kernels come with torchvision's binary; test_vision.py checks written-out results",
    "torch.ops.torchvision.ps_roi_pool": "its kernels come with torchvision's binary; test_vision.py checks written-out results",
    "torch.ops.torchvision.deform_conv2d": "its kernels come with torchvision's binary; test_vision.py checks written-out results",
}
