"""torch.onnx: exporting runs the model on its example."""

from torch import _C


def is_in_onnx_export():
    return False


def export(model, args=(), f=None, *, kwargs=None, **options):
    _C._converts(model, True)
    args = tuple(args) if isinstance(args, (tuple, list)) else (args,)
    if args and isinstance(args[-1], dict):
        model(*args[:-1], **args[-1])
    else:
        model(*args, **(kwargs or {}))


def _export(model, args=(), f=None, *positional, **options):
    """What scripts of torch 1 call for options that `export` had not yet."""
    return export(model, args, f, **options)


def register_custom_op_symbolic(symbolic_name, symbolic_fn, opset_version):
    return None


class TrainingMode:
    EVAL = 0
    PRESERVE = 1
    TRAINING = 2


class OperatorExportTypes:
    ONNX = 0
    ONNX_ATEN = 1
    ONNX_ATEN_FALLBACK = 2
    ONNX_FALLTHROUGH = 3
