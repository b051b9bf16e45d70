"""nn.Module's own methods, containers, utilities and the rest of the namespace, interpreted, against real torch."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.torch_model import stub_harness

pytest.importorskip("torch", reason="compares the stubs with real torch")

MODULE_METHODS = [
    # registration and look-up
    "m = nn.Module()\nm.register_buffer('a', torch.zeros(2))\nm.register_buffer('b', torch.zeros(3), persistent=False)\nm.register_buffer('c', None)\n"
    "m.register_parameter('w', nn.Parameter(torch.zeros(4, 5)))\nm.register_parameter('n', None)\n"
    "out = [[n for n, _ in m.named_parameters()], [n for n, _ in m.named_buffers()], m.n, m.c, m.a, m.get_parameter('w'), m.get_buffer('b')]",
    "m = nn.Module()\nm.x = 1\nm.register_buffer('x', torch.zeros(2))",
    "m = nn.Module()\nm.register_buffer('x.y', torch.zeros(2))",
    "m = nn.Module()\nm.register_buffer('', torch.zeros(2))",
    "m = nn.Module()\nm.add_module('a', nn.Linear(1, 2))\nm.register_module('b', nn.ReLU())\nm.add_module('c', None)\nout = [[n for n, _ in m.named_children()], m.c]",
    "m = nn.Module()\nm.add_module('a', 3)",
    "m = nn.Sequential(nn.Sequential(nn.Linear(2, 3)), nn.ReLU())\nout = [type(m.get_submodule('0.0')).__name__, m.get_submodule('') is m]",
    "m = nn.Sequential(nn.ReLU())\nm.get_submodule('1')",
    "m = nn.Sequential(nn.Linear(2, 3))\nm.set_submodule('0', nn.Conv2d(1, 2, 3))",
    "m = nn.Linear(2, 3)\nm.get_parameter('in_features')",
    "m = nn.Linear(2, 3)\nm.nope",
    "m = nn.Linear(2, 3)\nm()",
    "m = nn.Module()\nm(torch.zeros(2))",
    "m = nn.Linear(2, 3)\nm.bias = None\nm.extra = nn.Parameter(torch.zeros(1))\ndel m.weight\nout = [n for n, _ in m.named_parameters()]",
    "m = nn.Linear(2, 3)\nm.weight = nn.Parameter(torch.zeros(7, 2))",
    "m = nn.BatchNorm2d(3)\nm.running_mean = torch.zeros(5)\nout = list(m.state_dict())",
    "m = nn.Module()\nm.p = nn.Buffer(torch.zeros(3))\nm.q = nn.Buffer(torch.zeros(3), persistent=False)\nout = [list(m.state_dict()), [n for n, _ in m.named_buffers()]]",
    # walking
    "m = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.BatchNorm1d(3), nn.ReLU()))\n"
    "out = [[n for n, _ in m.named_modules()], [type(c).__name__ for c in m.children()], len(list(m.modules())), len(list(m.parameters())), len(list(m.buffers())), "
    "[n for n, _ in m.named_parameters(prefix='x')], [n for n, _ in m.named_parameters(recurse=False)], [n for n, _ in m.named_modules(prefix='p')]]",
    "shared = nn.Linear(2, 2)\nm = nn.Sequential(shared, nn.ReLU(), shared)\n"
    "out = [[n for n, _ in m.named_modules()], [n for n, _ in m.named_modules(remove_duplicate=False)], [n for n, _ in m.named_parameters()], [n for n, _ in m.named_children()], list(m.state_dict())]",
    "m = nn.Sequential(nn.Embedding(5, 3), nn.Linear(3, 5))\nm[1].weight = m[0].weight\nout = [[n for n, _ in m.named_parameters()], [n for n, _ in m.named_parameters(remove_duplicate=False)], list(m.state_dict())]",
    "names = []\nm = nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU()))\nm.apply(lambda x: names.append(type(x).__name__))\nout = names",
    "m = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3))\nout = sum(p.numel() for p in m.parameters())",
    # modes and dtypes
    "m = nn.Sequential(nn.Linear(2, 3), nn.Dropout())\nout = [m.training, m.eval() is m, m.training, m[1].training, m.train()[1].training, m.train(False)[0].training]",
    "m = nn.Linear(2, 3)\nm.train(3)",
    "m = nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)).half()",
    "m = nn.BatchNorm1d(3).double()",
    "m = nn.BatchNorm1d(3).bfloat16().float()",
    "m = nn.Linear(2, 3).to(torch.float16)",
    "m = nn.BatchNorm2d(3).to('cpu', torch.float64)",
    "m = nn.BatchNorm2d(3).to(device='cpu', dtype=torch.bfloat16, non_blocking=True)",
    "m = nn.BatchNorm2d(3).to(torch.zeros(1, dtype=torch.float16))",
    "m = nn.Linear(2, 3).to(torch.int64)",
    "m = nn.Linear(2, 3).type(torch.float64)",
    "m = nn.Linear(2, 3).cpu().to('cpu').share_memory()\nout = next(m.parameters()).dtype == torch.float32",
    "m = nn.Linear(2, 3).half()\nout = m(torch.zeros(4, 2, dtype=torch.float16))",
    "m = nn.Linear(2, 3).requires_grad_(False)\nout = [p.requires_grad for p in m.parameters()]",
    "m = nn.Linear(2, 3)\nm.zero_grad()\nm.bias.requires_grad = False\nout = [p.requires_grad for p in m.parameters()]",
    "m = nn.LSTM(2, 3).half()\nout = [len(m._flat_weights), len(m.all_weights[0]), m.all_weights[0][0]]",
    "m = nn.Linear(2, 3, dtype=torch.float16).to(memory_format=torch.channels_last)",
    # state
    "m = nn.Linear(2, 3)\nout = [type(m.load_state_dict(m.state_dict())).__name__ != '', m.load_state_dict(m.state_dict()).missing_keys, list(m.state_dict(prefix='a.'))]",
    "m = nn.Linear(2, 3)\nd = OrderedDict()\nm.state_dict(destination=d, prefix='x.')\nout = [list(d), type(d).__name__]",
    "m = nn.Linear(2, 3)\nh = m.register_forward_hook(lambda *a: None)\nh.remove()\nh2 = m.register_forward_pre_hook(lambda *a: None)\nh2.remove()\nout = m._get_name()",
    "m = nn.Linear(2, 3)\nm.register_forward_hook(lambda mod, given, result: result.sum(0))\nm.register_forward_pre_hook(lambda mod, given: (given[0].unsqueeze(0),))\nout = m(torch.zeros(4, 2))",
    "m = nn.Linear(2, 3)\nseen = {}\nh = m.register_forward_hook(lambda mod, given, kw, result: seen.update(x=result), with_kwargs=True)\nm(torch.zeros(4, 2))\nh.remove()\nm(torch.zeros(5, 2))\nout = seen['x']",
    "m = nn.Linear(2, 3)\nwith m.register_forward_hook(lambda mod, given, result: result[0]):\n    a = m(torch.zeros(4, 2))\nout = [a, m(torch.zeros(4, 2))]",
    "class Net(nn.Module):\n    def get_extra_state(self):\n        return 3\nout = list(Net().state_dict())",
    # subclassing
    "class Net(nn.Module):\n    def __init__(self, n, *, k=3):\n        super().__init__()\n        self.convs = nn.ModuleList(nn.Conv2d(2 ** i, 2 ** (i + 1), k, padding=k // 2) for i in range(n))\n"
    "        self.head = nn.Linear(2 ** n, 5)\n        self.scale = nn.Parameter(torch.ones(1))\n    def forward(self, x):\n        for conv in self.convs:\n            x = F.relu(conv(x))\n"
    "        return self.head(x.mean((2, 3))) * self.scale\nm = Net(3, k=5)\nm.eval()\nout = m(torch.randn(2, 1, 8, 8))",
    "class Mixin:\n    def hello(self):\n        return 'hi'\nclass Net(nn.Conv2d, Mixin):\n    def __init__(self, c):\n        super().__init__(c, c, 3, padding=1, groups=c)\n    def forward(self, x):\n"
    "        return super().forward(x) + x\nm = Net(4)\nout = [m(torch.randn(1, 4, 6, 6)), m.hello(), isinstance(m, nn.Conv2d), issubclass(Net, nn.modules.conv._ConvNd)]",
    "class Net(nn.Linear):\n    def reset_parameters(self):\n        self.called = True\n        super().reset_parameters()\nm = Net(2, 3)\nout = m.called",
    "class Net(nn.Sequential):\n    def __init__(self, a, b):\n        super().__init__(nn.Linear(a, b), nn.ReLU())\nm = Net(2, 3)\nout = m(torch.zeros(4, 2))",
    "class Norm(nn.LayerNorm):\n    def forward(self, x):\n        return F.layer_norm(x.permute(0, 2, 3, 1), self.normalized_shape, self.weight, self.bias, self.eps).permute(0, 3, 1, 2)\nm = Norm(4)\nout = m(torch.zeros(1, 4, 5, 6))",
    "class Net(nn.Module):\n    def __getattr__(self, name):\n        if name == 'magic':\n            return 7\n        return super().__getattr__(name)\n    def __setattr__(self, name, value):\n"
    "        super().__setattr__(name, value)\nm = Net()\nm.a = nn.Linear(1, 2)\nout = [m.magic, m.a.in_features]",
    "out = [repr(nn.Linear(2, 3)), repr(nn.ReLU(inplace=True)), repr(nn.Sequential(nn.Linear(2, 3), nn.Sequential(nn.ReLU())))]",
    "out = [nn.Conv2d.__name__, nn.Conv2d.__module__, nn.modules.batchnorm._BatchNorm.__name__, nn.Linear is torch.nn.modules.linear.Linear]",
]

CONTAINERS = [
    "m = nn.Sequential(nn.Linear(1, 2), nn.ReLU(), nn.Linear(2, 3), nn.Tanh())\nout = [len(m), type(m[1]).__name__, type(m[-1]).__name__, [n for n, _ in m[1:3].named_children()], [type(x).__name__ for x in m], len(m[:0])]",
    "m = nn.Sequential(nn.ReLU())\nm[3]",
    "m = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.Sigmoid())\nm.insert(1, nn.GELU())\nm.append(nn.SiLU()).extend([nn.ELU()])\ndel m[0]\nout = [[n for n, _ in m.named_children()], [type(x).__name__ for x in m]]",
    "m = nn.Sequential(nn.ReLU(), nn.Tanh())\nm.insert(-1, nn.GELU())\nout = [type(x).__name__ for x in m]",
    "m = nn.Sequential(nn.ReLU(), nn.Tanh())\nm.insert(5, nn.GELU())",
    "m = nn.Sequential(nn.ReLU(), nn.Tanh(), nn.ELU(), nn.SELU())\ndel m[1:3]\nm[0] = nn.Linear(1, 1)\nx = m.pop(1)\nout = [type(x).__name__, len(m)]",
    "m = nn.Sequential(nn.ReLU()) + nn.Sequential(nn.Tanh())\nm += nn.Sequential(nn.ELU())\nout = [[n for n, _ in m.named_children()]]",
    "m = nn.Sequential(nn.ReLU()) + [nn.Tanh()]",
    "m = nn.Sequential(nn.ReLU()) * 3\nm *= 2\nout = [len(m), len(2 * nn.Sequential(nn.ReLU()))]",
    "m = nn.Sequential(nn.ReLU()) * 0",
    "m = nn.Sequential(OrderedDict(conv=nn.Conv2d(3, 4, 1), act=nn.ReLU()))\nm.add_module('norm', nn.BatchNorm2d(4))\nm.eval()\nout = [m.conv.out_channels, [n for n, _ in m.named_children()], [n for n, _ in m[:2].named_children()], m(torch.zeros(1, 3, 2, 2))]",
    "m = nn.ModuleList([nn.Linear(1, 2), nn.ReLU()])\nm.append(nn.Tanh())\nm.insert(0, nn.ELU())\nm.extend([nn.SELU()])\nm += [nn.GELU()]\nout = [len(m), [type(x).__name__ for x in m], [n for n, _ in m.named_children()], type(m[1:3]).__name__, len(m[1:3]), type(m[-1]).__name__]",
    "m = nn.ModuleList([nn.ReLU(), nn.Tanh(), nn.ELU()])\ndel m[0]\nx = m.pop(-1)\nm[0] = nn.GELU()\nout = [len(m), type(x).__name__, [n for n, _ in m.named_children()], len(m + [nn.ReLU()])]",
    "m = nn.ModuleList([nn.ReLU()])\nm[1]",
    "m = nn.ModuleList([nn.ReLU()])\nm(torch.zeros(1))",
    "m = nn.ModuleList([nn.ReLU(), nn.Tanh(), nn.ELU()])\ndel m[::2]\nout = [type(x).__name__ for x in m]",
    "m = nn.ModuleDict({'a': nn.ReLU()})\nm['b'] = nn.Linear(1, 2)\nm.update({'c': nn.Tanh()})\nm.update([('d', nn.ELU())])\nx = m.pop('a')\n"
    "out = [list(m), list(m.keys()), 'b' in m, 'a' in m, len(m), m.b.in_features, [type(v).__name__ for v in m.values()], [k for k, v in m.items()], type(x).__name__]",
    "m = nn.ModuleDict({'a': nn.ReLU()})\nm['zz']",
    "m = nn.ModuleDict({'a': nn.ReLU()})\ndel m['a']\nm.clear()\nout = len(m)",
    "m = nn.ParameterList([nn.Parameter(torch.zeros(i)) for i in range(3)])\nm.append(nn.Parameter(torch.zeros(5)))\nm.extend([torch.zeros(6)])\nm[0] = nn.Parameter(torch.zeros(9))\nm += [nn.Parameter(torch.zeros(2))]\n"
    "out = [len(m), m[0], m[-1], list(m.state_dict()), len(m[1:3]), [p.shape[0] for p in m]]",
    "m = nn.ParameterDict({'b': torch.zeros(2), 'a': nn.Parameter(torch.zeros(3))})\nm['c'] = torch.zeros(1)\nm.update({'e': torch.zeros(4)})\nx = m.pop('a')\n"
    "out = [list(m), 'b' in m, len(m), m['b'], m.b, x, [k for k, _ in m.items()], [v for v in m.values()], m.get('zz'), m.setdefault('q', torch.zeros(8)), isinstance(m['b'], nn.Parameter)]",
]

UTILITIES = [
    "m = nn.utils.weight_norm(nn.Conv1d(3, 4, 5))\nout = m(torch.zeros(1, 3, 9))",
    "m = nn.utils.weight_norm(nn.Linear(3, 4), dim=None)",
    "m = nn.utils.weight_norm(nn.ConvTranspose1d(3, 4, 5), name='weight', dim=1)\nm = nn.utils.remove_weight_norm(m)",
    "m = nn.utils.remove_weight_norm(nn.Linear(1, 2))",
    "m = nn.utils.spectral_norm(nn.Conv2d(3, 4, 5))\nm.eval()\nout = m(torch.zeros(1, 3, 9, 9))",
    "m = nn.utils.remove_spectral_norm(nn.utils.spectral_norm(nn.ConvTranspose2d(3, 4, 5)))",
    "m = nn.utils.parametrizations.weight_norm(nn.Conv1d(3, 4, 5), name='weight', dim=2)\nout = [m(torch.zeros(1, 3, 9)), list(m.state_dict()), m.parametrizations.weight.original0, nn.utils.parametrize.is_parametrized(m)]",
    "m = nn.utils.parametrizations.weight_norm(nn.Linear(3, 4))\nnn.utils.parametrize.remove_parametrizations(m, 'weight')\nout = [sorted(m.state_dict()), nn.utils.parametrize.is_parametrized(m)]",
    "m = nn.utils.parametrizations.spectral_norm(nn.Linear(3, 4))\nm.eval()\nout = [m(torch.zeros(2, 3)), list(m.state_dict())]",
    "class Sym(nn.Module):\n    def forward(self, X):\n        return X.triu() + X.triu(1).transpose(-1, -2)\nm = nn.Linear(3, 3)\nnn.utils.parametrize.register_parametrization(m, 'weight', Sym())\nout = [m.weight, list(m.state_dict()), m(torch.zeros(2, 3))]",
    "import torch.nn.utils.prune as prune\nm = nn.Linear(3, 4)\nprune.l1_unstructured(m, 'weight', amount=0.5)\nout = [sorted(m.state_dict()), prune.is_pruned(m), m(torch.zeros(2, 3))]\nprune.remove(m, 'weight')",
    "from torch.nn.utils.fusion import fuse_conv_bn_eval\nm = fuse_conv_bn_eval(nn.Conv2d(3, 4, 1, bias=False).eval(), nn.BatchNorm2d(4).eval())\nout = m(torch.zeros(1, 3, 2, 2))",
    "from torch.nn.utils.rnn import pad_sequence\nout = [pad_sequence([torch.zeros(3, 2), torch.zeros(5, 2)]), pad_sequence([torch.zeros(3), torch.zeros(5)], batch_first=True, padding_value=1.0)]",
    "from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence\nm = nn.LSTM(4, 6, batch_first=True, bidirectional=True)\np = pack_padded_sequence(torch.zeros(3, 7, 4), torch.tensor([5, 3, 2]), batch_first=True)\n"
    "o, (h, c) = m(p)\nx, n = pad_packed_sequence(o, batch_first=True)\nout = [x, n, h, c, p.data, p.batch_sizes, o.data, isinstance(o, nn.utils.rnn.PackedSequence)]",
    "from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence\nm = nn.GRU(4, 6)\np = pack_padded_sequence(torch.zeros(7, 3, 4), [2, 5, 3], enforce_sorted=False)\no, h = m(p)\n"
    "x, n = pad_packed_sequence(o, total_length=9)\nout = [x, n, h, p.sorted_indices, pad_packed_sequence(o)[0]]",
    "from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence\npad_packed_sequence(pack_padded_sequence(torch.zeros(7, 3, 4), [5, 3, 2]), total_length=4)",
    "from torch.nn.utils.rnn import pack_sequence, unpad_sequence\np = pack_sequence([torch.zeros(4, 2), torch.zeros(2, 2)])\nout = [p.data, unpad_sequence(torch.zeros(2, 4, 3), torch.tensor([4, 2]), batch_first=True)]",
    "out = nn.utils.parameters_to_vector(nn.Linear(3, 4).parameters())",
    "m = nn.utils.skip_init(nn.Linear, 3, 4, bias=False)",
    "from torch.nn.utils.stateless import functional_call\nm = nn.Linear(3, 4)\nout = functional_call(m, dict(m.named_parameters()), (torch.zeros(2, 3),))",
    "w = torch.empty(3, 4)\nout = [nn.init.xavier_uniform_(w) is w, nn.init.trunc_normal_(w, std=0.02), nn.init.constant_(w, 1.0), nn.init.kaiming_normal_(w, mode='fan_out', nonlinearity='relu'), nn.init.zeros_(w) is w]",
    "out = [nn.init.calculate_gain('relu'), nn.init.calculate_gain('leaky_relu', 0.2), nn.init.calculate_gain('conv2d'), nn.init.calculate_gain('tanh'), nn.init._calculate_fan_in_and_fan_out(torch.zeros(4, 3, 5, 5)), nn.init._calculate_correct_fan(torch.zeros(4, 3), 'fan_out')]",
    "nn.init.calculate_gain('bogus')",
    "nn.init._calculate_fan_in_and_fan_out(torch.zeros(4))",
    "from torch.nn.modules.utils import _pair, _single, _triple, _ntuple, _quadruple\nout = [_pair(3), _pair((1, 2)), _single(4), _triple([1, 2, 3]), _ntuple(5)(1), _quadruple(2), _pair('ab'), _pair(None), _pair(1.5)]",
    "m = nn.DataParallel(nn.Linear(2, 3))\nout = [list(m.state_dict()), m(torch.zeros(4, 2)), m.module.in_features]",
    "from torch.nn.attention import sdpa_kernel, SDPBackend\nwith sdpa_kernel([SDPBackend.MATH]):\n    out = F.scaled_dot_product_attention(*[torch.zeros(1, 2, 3, 4)] * 3)",
    "import copy\nm = copy.deepcopy(nn.Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3)))\nout = list(m.state_dict())",
    "m = nn.Embedding.from_pretrained(torch.zeros(5, 3), padding_idx=1)\nout = [m(torch.tensor([1, 2])), m.weight.requires_grad]",
    "m = nn.EmbeddingBag.from_pretrained(torch.zeros(5, 3))\nout = m(torch.tensor([[1, 2]]))",
    "nn.Embedding.from_pretrained(torch.zeros(5))",
    "m = nn.SyncBatchNorm.convert_sync_batchnorm(nn.Sequential(nn.Conv2d(3, 4, 1), nn.BatchNorm2d(4)))",
    "m = nn.AdaptiveLogSoftmaxWithLoss(12, 20, [5, 10])\nout = [m.log_prob(torch.zeros(3, 12)), m.predict(torch.zeros(3, 12))]",
    "out = nn.Transformer.generate_square_subsequent_mask(4)",
    "m = nn.MultiheadAttention(8, 2, batch_first=True)\nx = torch.zeros(3, 5, 8)\nout = [m(x, x, x)[1], m(x, x, x, need_weights=False)[1]]",
    "F.multi_head_attention_forward(torch.zeros(5, 3, 9), torch.zeros(5, 3, 9), torch.zeros(5, 3, 9), 8, 2, None, None, None, None, False, 0.0, torch.zeros(8, 8), None)",
]

FRAMEWORK = [
    "out = torch.fx.symbolic_trace(nn.Sequential(nn.Linear(2, 3), nn.ReLU()))(torch.zeros(4, 2))",
    "@torch.no_grad()\ndef a():\n    return 1\n@torch.no_grad\ndef b():\n    return 2\n@torch.inference_mode()\ndef c():\n    return 3\n@torch.enable_grad()\ndef d():\n    return 4\n"
    "with torch.no_grad(), torch.set_grad_enabled(False), torch.inference_mode(), torch.inference_mode(mode=True), torch.autocast('cpu', enabled=False):\n    out = [a(), b(), c(), d()]",
    "@torch.autocast('cpu', enabled=False)\ndef a(x):\n    return x\n@torch.cuda.amp.autocast(enabled=False)\ndef b(x):\n    return x\nout = [a(1), b(2)]",
    "@torch.jit.ignore\ndef a():\n    return 1\n@torch.jit.unused\ndef b():\n    return 2\n@torch.jit.export\ndef c():\n    return 3\n@torch.jit.ignore(drop=True)\ndef d():\n    return 4\nout = [a(), b(), c(), d(), torch.jit.annotate(int, 5)]",
    "@torch.fx.wrap\ndef a():\n    return 1\n@torch.compiler.disable\ndef b():\n    return 2\n@torch.compiler.disable(recursive=False)\ndef c():\n    return 3\n@torch._dynamo.disable\ndef d():\n    return 4\nout = [b(), c(), d()]",
    "out = [torch.jit.is_scripting(), torch.jit.is_tracing(), torch.compiler.is_compiling(), torch.compiler.is_dynamo_compiling(), torch.compiler.is_exporting(), torch.cuda.is_available(), torch.cuda.device_count(), "
    "torch.backends.mps.is_available(), torch.distributed.is_initialized(), torch.onnx.is_in_onnx_export(), torch.overrides.has_torch_function((torch.zeros(1),)), torch.is_autocast_enabled()]",
    "out = [torch.get_default_dtype() == torch.float32, torch.is_tensor(torch.zeros(1)), torch.is_tensor(3), torch.get_default_device().type, torch.version.cuda is None or True]",
    "out = [torch.__version__ >= '2.0', torch.__version__ < (3, 0), torch.__version__.split('+')[0].split('.')[:2], tuple(int(x) for x in torch.__version__.split('+')[0].split('.')[:2]) >= (2, 10), torch.__version__ >= '2.9']",
    "from torch.torch_version import TorchVersion\nv = TorchVersion('2.13.0')\nout = [v >= '2.2', v > (2, 9), v < '10.0', v == '2.13.0', str(v)]",
    "class Swish(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x, k):\n        ctx.save_for_backward(x)\n        ctx.k = k\n        return x * torch.sigmoid(x)\n    @staticmethod\n    def backward(ctx, g):\n        return g, None\n"
    "out = Swish.apply(torch.zeros(2, 3), 1)",
    "class Two(torch.autograd.Function):\n    @staticmethod\n    def forward(x):\n        return x.sum(0), x.shape[0]\n    @staticmethod\n    def setup_context(ctx, inputs, output):\n        ctx.n = output[1]\n    @staticmethod\n    def backward(ctx, g, n):\n        return g\n"
    "f = Two.apply\nout = f(torch.zeros(2, 3))",
    "class Grad(torch.autograd.Function):\n    @staticmethod\n    def forward(ctx, x):\n        ctx.mark_non_differentiable(x)\n        return x.view_as(x)\nout = Grad.apply(torch.zeros(2, 3))",
    "from torch.utils.checkpoint import checkpoint, checkpoint_sequential\nm = nn.Sequential(nn.Linear(2, 3), nn.ReLU())\nout = [checkpoint(lambda x, y: x + y, torch.zeros(2), torch.zeros(2), use_reentrant=False), checkpoint(m, torch.zeros(4, 2), use_reentrant=False), checkpoint_sequential(m, 2, torch.zeros(4, 2), use_reentrant=False)]",
    # vmap of index functions, as attention masks are built
    "def causal(b, h, q, k):\n    return k <= q\nf = causal\nfor dims in [(None, None, None, 0), (None, None, 0, None), (None, 0, None, None), (0, None, None, None)]:\n    f = torch.vmap(f, in_dims=dims, out_dims=0)\n"
    "out = f(torch.arange(2), torch.arange(3), torch.arange(4), torch.arange(5))",
    "mask = torch.ones(2, 5, dtype=torch.bool)\ndef padded(b, h, q, k):\n    return (k <= q) & mask[b, k]\nf = padded\nfor dims in [(None, None, None, 0), (None, None, 0, None), (None, 0, None, None), (0, None, None, None)]:\n    f = torch.vmap(f, in_dims=dims, out_dims=0)\n"
    "from torch._dynamo._trace_wrapped_higher_order_op import TransformGetItemToIndex\nwith TransformGetItemToIndex():\n    out = f(torch.arange(2), torch.arange(1), torch.arange(4), torch.arange(5))",
    "from torch.func import vmap\nout = [vmap(lambda a: a * 2)(torch.arange(4)), vmap(vmap(lambda a, b: a - b, in_dims=(None, 0)), in_dims=(0, None))(torch.arange(3), torch.arange(4))]",
    # decorators that compile
    "@torch.compile\ndef a(x):\n    return x + 1\n@torch.jit.script_if_tracing\ndef b(x):\n    return x * 2\nout = b(torch.zeros(2))",
    "t = torch.zeros(2)\n"
    "out = [[torch.jit.isinstance(value, kind) for kind in (torch.Tensor, int, (int, torch.Tensor))] for value in (t, [t], 3, None)]",
    "from typing import Dict, List\nout = [torch.jit.isinstance(torch.zeros(2), kind) for kind in (List[int], Dict[str, int], (int, List[int]))]",
    "m = nn.Linear(2, 3)\nc = torch.compile(m) is not None\nt = torch.jit.trace(m.eval(), torch.zeros(1, 2))\nout = [c, t(torch.zeros(4, 2))]",
    "m = nn.Linear(2, 3).eval()\nep = torch.export.export(m, (torch.zeros(4, 2),))\nout = ep.module()(torch.zeros(4, 2))",
    "from torch.distributions import Normal, Categorical, Uniform\nn = Normal(torch.zeros(3), torch.ones(3))\nout = [n.sample(), n.rsample((2,)), Categorical(logits=torch.zeros(4, 5)).sample(), Uniform(0.0, 1.0).sample((2, 3)), n.mean]",
    "g = torch.Generator().manual_seed(3)\ntorch.manual_seed(0)\nout = [torch.randn(2, generator=g), torch.initial_seed() >= 0]",
    "opt = torch.optim.AdamW(nn.Linear(1, 2).parameters(), lr=1e-3, weight_decay=0.1)\nsched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=10)\nopt.zero_grad()\nout = 1",
    "from torch.utils._pytree import tree_map, tree_flatten, tree_unflatten, tree_leaves\nt = {'a': [1, (2, 3)], 'b': 4}\nleaves, spec = tree_flatten(t)\nout = [leaves, tree_unflatten([x * 2 for x in leaves], spec), tree_map(lambda x: x + 1, t), tree_leaves([1, [2]])]",
    "ds = torch.utils.data.TensorDataset(torch.zeros(4, 2), torch.zeros(4))\nout = [len(ds), ds[1]]",
    "from torch.ao.quantization import QuantStub, DeQuantStub\nm = nn.Sequential(QuantStub(), nn.Linear(2, 3), DeQuantStub())\nf = nn.quantized.FloatFunctional()\nout = [m(torch.zeros(4, 2)), f.add(torch.zeros(2), torch.zeros(2)), f.cat([torch.zeros(2), torch.zeros(2)], dim=0)]",
    "torch._assert(True, 'no')\ntorch._check(True)\ntorch.set_printoptions(precision=3)\ntorch.use_deterministic_algorithms(False)\nout = [torch.sym_max(3, 4), torch.sym_int(3.5), torch.typename(torch.zeros(1))]",
    "out = [torch.finfo(torch.float16).min, torch.finfo(torch.float32).eps, torch.finfo(torch.bfloat16).max, torch.iinfo(torch.int32).max, torch.finfo(torch.float32).tiny]",
    "torch.set_default_dtype(torch.float64)\na = [torch.get_default_dtype() == torch.float64, nn.Linear(2, 3).weight.dtype == torch.float64]\ntorch.set_default_dtype(torch.float32)\nout = [a[0], torch.zeros(2)]",
    "with torch.device('cpu'):\n    m = nn.Linear(2, 3)\nout = [m.weight.device.type, torch.device('cuda', 0).index, torch.device('cpu') == torch.device('cpu')]",
    "import torch.nn.functional as G\nout = [G is F, torch.nn.functional.relu is F.relu, F.relu(torch.zeros(2)), nn.functional.pad(torch.zeros(2), (1, 2))]",
    "@torch.library.custom_op('stubs_case::double', mutates_args=())\ndef double(x: torch.Tensor) -> torch.Tensor:\n    return x.clone() * 2\n@double.register_fake\ndef _(x):\n    return torch.empty_like(x)\nout = double(torch.zeros(2, 3))",
    "@torch.library.custom_op('stubs_case::half', mutates_args=())\ndef half(x: torch.Tensor) -> torch.Tensor:\n    return x[:1].clone()\n@torch.library.register_fake('stubs_case::half')\ndef _(x):\n    return x.new_empty((1, *x.shape[1:]))\nout = [torch.ops.stubs_case.half(torch.zeros(2, 3)), torch.ops.stubs_case.half.default(torch.zeros(2, 3))]",
    "lib = torch.library.Library('stubs_lib', 'DEF')\nlib.define('twice(Tensor x) -> Tensor')\nlib.define('first(Tensor x) -> Tensor')\n@torch.library.impl(lib, 'twice', 'CompositeExplicitAutograd')\ndef twice(x):\n    return torch.cat([x, x])\nlib.impl('first', lambda x: x[0], 'CompositeExplicitAutograd')\nout = [torch.ops.stubs_lib.twice(torch.zeros(2, 3)), torch.ops.stubs_lib.first(torch.zeros(2, 3))]",
    "from torch.nn.attention.flex_attention import and_masks, or_masks\nf = and_masks(lambda b, h, q, k: k <= q, lambda b, h, q, k: q - k < 3)\nout = f(torch.tensor(0), torch.tensor(0), torch.arange(3)[:, None], torch.arange(4)[None])",
    "from torch.nn.attention.flex_attention import flex_attention\nq, v = torch.zeros(1, 2, 16, 8), torch.zeros(1, 2, 16, 4)\nout = [flex_attention(q, q, v), flex_attention(q, q, v, scale=0.5, return_lse=True)]",
    "from torch.jit import Final\nclass Net(nn.Module):\n    n: Final[int]\n    def __init__(self):\n        super().__init__()\n        self.n = 3\n    @torch.jit.unused\n    def f(self):\n        return self.n\nout = Net().f()",
]  # fmt: skip


@pytest.fixture(scope="module")
def interpreted(tmp_path_factory: pytest.TempPathFactory) -> stub_harness.Interpreted:
    return stub_harness.Interpreted(Path(tmp_path_factory.mktemp("stubs")))


@pytest.mark.parametrize("source", [*MODULE_METHODS, *CONTAINERS, *UTILITIES, *FRAMEWORK])
def test_lines(source: str, interpreted: stub_harness.Interpreted) -> None:
    wrong = stub_harness.differences(stub_harness.real(source), interpreted.outcome(source))
    assert not wrong, "\n".join([source, *wrong])


def test_code_that_fx_makes(tmp_path: Path) -> None:
    """A graph that is built by hand is not read: what its values and its module give is unknown, and nothing of it fails."""
    outcome = stub_harness.Interpreted(tmp_path).outcome(
        "from torch import fx\ngraph = fx.Graph()\nx = fx.Proxy(graph.placeholder('x'), fx.proxy.GraphAppendingTracer(graph))\n"
        "y = x.new_zeros(x.shape[:-1] + (4,)) + x\ngraph.output(y.node)\n"
        "out = fx.GraphModule({}, graph)(torch.zeros(2, 4))"
    )
    assert outcome.error is None, outcome.message


def test_how_torch_was_built(tmp_path: Path) -> None:
    outcome = stub_harness.Interpreted(tmp_path).outcome("flag = 'USE_MKL=OFF' in torch.__config__.show()\nout = 1")
    assert (outcome.error, outcome.output) == (None, 1)
