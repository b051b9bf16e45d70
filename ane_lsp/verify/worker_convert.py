"""In the worker: convert with coremltools, by torch.export or by tracing, and describe the program with its source lines.

No path converts everything the others do: export is tried first, tracing where that fails, then export with torch's full
decomposition into core operations; which one it was is reported. Four repairs make source lines right where a plain conversion loses them: the whole Python stack is kept while
exporting; graph nodes are numbered, and the numbers go through all passes of the converter; fused operations are walked back
to the node that gave them their kind; and the source ranges of TorchScript nodes are kept by name.
"""

from __future__ import annotations

import contextlib
import importlib
import re
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from ane_lsp.verify.job import Job
from ane_lsp.verify.worker_base import Failed
from ane_lsp.verify.worker_frames import Frame, innermost, parse_python, parse_script, user_frames
from ane_lsp.verify.worker_model import Model
from ane_lsp.verify.worker_program import describe

Progress = Callable[[float, str], None]
# MIL kinds whose result a fusion may have labelled with a later node: what the right node is called.
_MAIN = {
    "conv": r"conv", "conv_transpose": r"conv", "linear": r"linear|addmm|\bmm\b|matmul|bmm", "matmul": r"matmul|\bmm\b|bmm|einsum",
    "scaled_dot_product_attention": r"scaled_dot_product|attention", "layer_norm": r"layer_norm|group_norm",
    "batch_norm": r"batch_norm|group_norm", "instance_norm": r"instance_norm|group_norm", "softmax": r"softmax",
    "gelu": r"gelu|erf", "concat": r"\bcat\b|concat|stack", "max_pool": r"max_pool", "avg_pool": r"avg_pool|mean",
}  # fmt: skip
_STEPS_BACK = 16
PATHS = ("export", "trace", "export-core")


@dataclass
class Node:
    """A node of the captured graph. inputs: names of nodes. frames: the whole stack, outermost first."""

    name: str
    target: str
    inputs: list[str]
    frames: list[Frame]
    module: str = ""


@dataclass
class Nodes:
    """Every node by name and by number, and the one that is being converted."""

    by_name: dict[str, Node] = field(default_factory=dict)
    by_handle: dict[int, Node] = field(default_factory=dict)
    current: str = ""
    kind: str = ""

    def of_layer(self, text: str) -> Node | None:
        """The node of a layer that an error names: ``Layer "view_cast_fp16"`` is node ``view``, ``"op_88"`` node ``88``."""
        for name in re.findall(r'"(\w+)"', text):
            plain = re.sub(r"(_cast_(fp16|fp32|int16|int32))+$", "", name)
            found = self.by_name.get(plain) or self.by_name.get(plain.removeprefix("op_"))
            if found is not None:
                return found
        return None

    def main(self, node: Node, mil_kind: str) -> Node:
        """The node that an operation of this kind really comes from: `node`, or the nearest before it that fits."""
        wanted = _MAIN.get(mil_kind)
        if wanted is None or re.search(wanted, node.target):
            return node
        seen, ring = {node.name}, [node]
        for _ in range(_STEPS_BACK):
            ring = [self.by_name[i] for n in ring for i in n.inputs if i in self.by_name and i not in seen]
            seen.update(n.name for n in ring)
            for candidate in ring:
                if re.search(wanted, candidate.target):
                    return candidate
        return node


@dataclass(frozen=True)
class Converted:
    """described: the program as plain data with how it was made. model: what coremltools made. locate: an operation's place."""

    described: dict[str, Any]
    model: Any
    locate: Callable[[Any], dict[str, Any]]


def convert(model: Model, job: Job, progress: Progress) -> Converted:
    """The converted program. Raises Failed where no path converts."""
    attempts: list[dict[str, Any]] = []
    paths = PATHS if job.path == "auto" else (job.path,)
    for number, path in enumerate(paths):
        began = time.monotonic()
        nodes = Nodes()
        told = _share(progress, path, number / len(paths), 1 / len(paths))
        try:
            with _Instruments(nodes, told):
                made = (
                    _trace(model, job, nodes) if path == "trace" else _export(model, job, nodes, path == "export-core")
                )
        except MemoryError:
            raise
        except Exception as error:
            attempts.append(_attempt(path, error, nodes, time.monotonic() - began))
            continue
        locate = partial(_near, path=path, nodes=nodes)
        how = {"path": path, "attempts": attempts, "convert_seconds": round(time.monotonic() - began, 2)}
        return Converted({**how, **describe(made._mil_program, locate)}, made, locate)
    raise Failed("convert", attempts[-1]["message"], attempts=attempts)


def _share(progress: Progress, path: str, start: float, size: float) -> Progress:
    """The part of the whole that one path is."""
    return lambda part, text: progress(start + part * size, f"{path}: {text}")


def _attempt(path: str, error: BaseException, nodes: Nodes, seconds: float) -> dict[str, Any]:
    """What a path failed with, and on which line."""
    trace, own = error.__traceback__, []
    while trace is not None:
        own.append((trace.tb_frame.f_code.co_filename, trace.tb_lineno, trace.tb_frame.f_code.co_name))
        trace = trace.tb_next
    # The node that was being converted when it failed; a later pass names the layer, if anything.
    converting = any(fn in ("convert_one", "fx_node") for _, _, fn in own)
    node = nodes.by_name.get(nodes.current) if converting else nodes.of_layer(str(error))
    frames = user_frames(node.frames) if node is not None else []
    if not frames:
        frames = user_frames(own) or user_frames(parse_python(str(error)))
    text = " ".join(str(error).split())
    return {
        "path": path, "type": type(error).__name__, "message": f"{type(error).__name__}: {text[:600]}", "frames": frames,
        "op": nodes.kind if converting else node.target if node is not None else "", "seconds": round(seconds, 2),
    }  # fmt: skip


def _keep_frames(tracer: object, summary: Any) -> Any:
    """In place of torch's own filter, which keeps only frames of functions called ``forward``."""
    import traceback

    return traceback.StackSummary.from_list([f for f in summary if user_frames([(f.filename, f.lineno or 0, f.name)])])


@contextlib.contextmanager
def whole_stacks() -> Iterator[None]:
    """While exporting: nodes remember every frame of the author's."""
    owner: Any = importlib.import_module("torch.fx.proxy").TracerBase
    before = vars(owner).get("_filter_traceback_frames")
    if before is None:  # an older torch: costs lines, not the run
        yield
        return
    owner._filter_traceback_frames = _keep_frames
    try:
        yield
    finally:
        owner._filter_traceback_frames = before


class _Instruments:
    """Patches of private functions of torch and coremltools, undone afterwards. A missing one costs lines, not the run."""

    def __init__(self, nodes: Nodes, progress: Progress) -> None:
        self.nodes = nodes
        self.progress = progress
        self.undo: list[tuple[Any, str, Any]] = []

    def _patch(self, owner: Any, name: str, value: Any) -> None:
        if owner is not None and name in vars(owner):
            self.undo.append((owner, name, vars(owner)[name]))
            setattr(owner, name, value)

    def __enter__(self) -> None:
        nodes = self.nodes
        proxy = importlib.import_module("torch.fx.proxy")
        self._patch(proxy.TracerBase, "_filter_traceback_frames", _keep_frames)
        ops = importlib.import_module("coremltools.converters.mil.frontend.torch.ops")
        internal = importlib.import_module("coremltools.converters.mil.frontend.torch.internal_graph")
        single = vars(ops).get("convert_single_node")

        def convert_one(context: Any, node: Any) -> Any:
            nodes.current, nodes.kind = str(node.name), str(node.kind)
            return single(context, node)  # type: ignore[misc]

        self._patch(ops, "convert_single_node", convert_one)
        node_type = internal.InternalTorchIRNode
        from_script, from_fx = node_type.from_torchscript_node, node_type.from_exir_node

        def script_node(cls: Any, node: Any, parent: Any) -> Any:
            made = from_script.__func__(cls, node, parent)
            nodes.by_name[made.name] = Node(
                made.name, str(made.kind), [i.debugName() for i in node.inputs()], parse_script(node.sourceRange()),
                str(node.scopeName()).rsplit("::", 1)[-1],
            )  # fmt: skip
            return made

        def fx_node(cls: Any, node: Any) -> Any:
            nodes.current, nodes.kind = str(node.name), str(node.target)
            return from_fx.__func__(cls, node)

        self._patch(node_type, "from_torchscript_node", classmethod(script_node))
        self._patch(node_type, "from_exir_node", classmethod(fx_node))
        progress = self.progress

        def bars(items: Any = None, *args: Any, desc: str = "", **kwargs: Any) -> Any:
            listed = list(items or ())
            for index, item in enumerate(listed):
                if index % 8 == 0:
                    progress(0.3 + 0.6 * index / max(1, len(listed)), desc or "converting")
                yield item

        for name, module in list(sys.modules.items()):
            if name.startswith("coremltools") and module is not None and "_tqdm" in vars(module):
                self._patch(module, "_tqdm", bars)

    def __exit__(self, *_: object) -> None:
        for owner, name, value in reversed(self.undo):
            setattr(owner, name, value)


def _export(model: Model, job: Job, nodes: Nodes, core: bool) -> Any:
    torch: Any = sys.modules["torch"]
    with torch.no_grad():
        exported = torch.export.export(model.wrapper, tuple(model.tensors), strict=False)
    exported = exported.run_decompositions() if core else exported.run_decompositions({})
    for number, node in enumerate(exported.graph.nodes, start=1):
        if node.op != "call_function":
            continue
        node.meta["debug_handle"] = number
        stack = node.meta.get("nn_module_stack") or {}
        module = str(next(reversed(stack.values()))[0]) if stack else ""
        made = Node(
            node.name, str(node.target), [n.name for n in node.all_input_nodes], parse_python(node.meta.get("stack_trace")),
            re.sub(r"^.*?inner\.?", "", module),
        )  # fmt: skip
        nodes.by_name[node.name] = nodes.by_handle[number] = made
    ct = sys.modules["coremltools"]
    return ct.convert(exported, **_options(job))


def _trace(model: Model, job: Job, nodes: Nodes) -> Any:
    torch: Any = sys.modules["torch"]
    ct: Any = sys.modules["coremltools"]
    numpy = importlib.import_module("numpy")
    with torch.no_grad():
        traced = torch.jit.trace(model.wrapper, tuple(model.tensors), check_trace=False, strict=False)
    kinds = {torch.bool: numpy.bool_, torch.int64: numpy.int32, torch.int32: numpy.int32}
    inputs = [
        ct.TensorType(name=name, shape=tuple(t.shape) or (1,), dtype=kinds.get(t.dtype, numpy.float32))
        for name, t in zip(model.names, model.tensors)
    ]
    return ct.convert(traced, inputs=inputs, **_options(job))


def _options(job: Job) -> dict[str, Any]:
    ct: Any = sys.modules["coremltools"]
    target = getattr(ct.target, job.opset, None)
    if target is None:
        raise Failed("convert", f"this coremltools does not know the deployment target {job.opset}")
    return {"minimum_deployment_target": target, "convert_to": "mlprogram", "skip_model_load": True}


def _near(op: Any, path: str, nodes: Nodes) -> dict[str, Any]:
    """The author's place of an operation; where a pass made it and kept none, that of the operation it was made for: the
    nearest that reads its result, else the nearest whose result it reads."""
    for step in (_readers, _makers):
        ring, seen = [op], {id(op)}
        for _ in range(_STEPS_BACK):
            for candidate in ring:
                found = _locate(candidate, path, nodes)
                if found:
                    return found
            ring = [n for o in ring for n in step(o) if id(n) not in seen]
            seen.update(id(n) for n in ring)
    return {}


def _readers(op: Any) -> list[Any]:
    return [reader for var in op.outputs for reader in var.child_ops]


def _makers(op: Any) -> list[Any]:
    given = [v for group in op.inputs.values() for v in (group if isinstance(group, (list, tuple)) else (group,))]
    return [v.op for v in given if getattr(v, "op", None) is not None]


def _locate(op: Any, path: str, nodes: Nodes) -> dict[str, Any]:
    """The author's place of an operation of the program, as the converter kept it."""
    scopes = importlib.import_module("coremltools.converters.mil.mil.scope").ScopeSource
    node: Node | None = None
    if path != "trace":
        handles = op.scopes.get(scopes.EXIR_DEBUG_HANDLE) or []
        node = next((nodes.by_handle[h] for h in handles if h in nodes.by_handle), None)
    else:
        names = op.scopes.get(scopes.TORCHSCRIPT_MODULE_NAME) or []
        node = nodes.by_name.get(str(names[-1])) if names else None
    if node is None:
        return {}
    node = nodes.main(node, op.op_type)
    frame = innermost(node.frames)
    found: dict[str, Any] = {"torch": node.target, "module": node.module}
    if frame is not None:
        found |= {"file": frame[0], "line": frame[1], "fn": frame[2], "stack": user_frames(node.frames)[:-1]}
    return found
