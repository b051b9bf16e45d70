"""Calling a model on inputs nobody wrote: their shapes come from hints in the source and from probing the forward."""

from __future__ import annotations

import ast
import re
from collections.abc import Collection, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import TensorType, Unknown, dims
from ane_lsp.interp.assumptions import missing_key, required
from ane_lsp.interp.captured import either_way, leave_training
from ane_lsp.interp.classes import prepares_data
from ane_lsp.interp.enough import Listening
from ane_lsp.interp.frames import FROM_ARGS
from ane_lsp.interp.hints import hints_in_source, holds_tensors, is_container
from ane_lsp.interp.parameter_uses import may_be_none
from ane_lsp.interp.probing import CONVENTIONS, WORDS, Probe, probe_of, probe_tensor, share_sizes
from ane_lsp.interp.record import registered
from ane_lsp.interp.rounds import probed
from ane_lsp.interp.scopes import is_name, keys_read, signature_of, with_defaults
from ane_lsp.interp.state import Written
from ane_lsp.interp.tables import entries_of, in_tables, owner
from ane_lsp.interp.values import MISSING, ClassObject, Function, Instance, PyRaise, Stop, Tensor, Told

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

_ROUNDS = 3  # of probing: what one round tells lets the next one go further
_PROBE_STEPS = 300_000
_SIZES_STEPS = 20_000  # where words have told all but numbers of some sizes, which first uses tell
NOTHING_TELLS = "nothing tells the shape of"
_CONFIGURED = "the model's configuration"
_GUESSES = (*WORDS, _CONFIGURED)


def call_probed(interp: Interpreter, model: Instance, assumed: list[str]) -> Any:
    """Call a model on inputs found by probing its forward; what is assumed about them is added to `assumed`.

    Where the program refuses inputs that only their names told, it is called once more without those guesses.
    """
    forward = undecorated(model.cls.lookup("forward"))
    if not isinstance(forward, Function) or isinstance(forward.node, ast.Lambda):
        return None
    interp.looked_into(forward)
    if interp.is_nn_module(model.cls):
        leave_training(interp, model)
    example = _example_call(interp, model)
    if example is not None:
        assumed.append("inputs: its example_input_array")
        return either_way(interp, lambda: interp.call(model, *example))
    holder, forward = _handed_on(interp, model, forward)
    assert not isinstance(forward.node, ast.Lambda)
    parameters = required(forward.node, skip=1) or _main_inputs(holder, forward.node)
    rest = forward.node.args.vararg
    if (
        not parameters
        and rest is not None
        and forward.node.args.kwarg is None
        and forward.module.path in interp.watched
        and not prepares_data(model.cls)
    ):
        parameters = [rest]  # where anything goes, it only wraps another call
    tables = {p.arg: found for p in parameters if (found := entries_of(interp, holder.cls, forward, p))}
    alone = [p for p in parameters if p.arg not in tables]
    plain = {p.arg: v for p in alone if (v := _plain_value(interp, forward, p)) is not MISSING}
    entries = {name: key for found in tables.values() for name, key in found.items()}
    probes = _first_probes(interp, holder, forward, [p for p in alone if p.arg not in plain], entries)
    kept, frame, modules = interp.recorder.snapshot(), interp.frame, list(interp.recorder.modules)
    told: list[str] = []
    try:
        result = _call(interp, model, forward, plain, probes, told)
    except Stop:
        assumed.extend(told)
        raise
    except PyRaise as raised:
        error = interp.describe(raised.value)
        unsure = _perhaps_integers(probes, error)
        asks = not unsure and not raised.from_operation and "return_dict" not in error
        named = _named_in(error, forward.node, {*plain, *probes}) if asks else None
        if named is not None and _plain_value(interp, forward, named) is MISSING:
            retries: list[Retry] = [({**probes, **_first_probes(interp, holder, forward, [named])}, {})]
        else:
            keys = _asked_by_key(forward.node, error)
            retries = [(probes, keys)] if unsure or keys else _without_guesses(forward.node, probes, error)
            if not retries and (labels := _perhaps_labels(probes, error)):
                ways = [labels, *({name: one} for name, one in labels.items() if len(labels) > 1)]
                unknown = [p for p in alone if p.arg not in plain]
                retries = [({**_first_probes(interp, holder, forward, unknown, entries), **way}, {}) for way in ways]
        if not retries:
            assumed.extend(told)
            raise
        best, furthest = raised, interp.recorder.take(kept)
        asked = {p.arg for p in parameters}
        for probes, extra in retries:
            interp.back_to(frame, modules)
            again = [f"{n}={v}: the call fails without" for n, v in extra.items() if not isinstance(v, Unknown)]
            again += [
                f"{name} is given, though optional: the call fails without" for name in probes if name not in asked
            ]
            try:
                result = _call(interp, model, forward, {**plain, **extra}, probes, again, unsure)
            except PyRaise as error_again:
                interp.measured = True
                reached = interp.recorder.take(kept)
                if reached.calls > furthest.calls:  # else what is known of shapes counts
                    best, furthest, told = error_again, reached, again
            else:
                assumed.extend(again)
                return result
        interp.recorder.put(furthest)
        assumed.extend(told)
        raise best from None
    assumed.extend(told)
    return result


def _example_call(interp: Interpreter, model: Instance) -> tuple[tuple[Any, ...], dict[str, Any]] | None:
    """The call that a Lightning module's ``example_input_array`` stands for; None where it has none that is known."""
    if interp.may_lack(model, "example_input_array"):
        return None
    example = interp.getattr(model, "example_input_array", None)
    if isinstance(example, Tensor):
        return (example,), {}
    if isinstance(example, dict) and example and all(isinstance(name, str) for name in example):
        return (), example
    if isinstance(example, (tuple, list)) and any(isinstance(value, Tensor) for value in example):
        return tuple(example), {}
    return None


Retry = tuple[dict[str, Probe], dict[str, Any]]


def _named_in(error: str, node: ast.FunctionDef | ast.AsyncFunctionDef, given: Collection[str]) -> ast.arg | None:
    """What the program asks for by name when it refuses a call: ``You have to specify either pixel_values or image_embeds``. The
    first of them, where none of them is given."""
    words = set(_WORD.findall(error))
    asked = [p for p in _parameters(node)[1:] if p.arg in words]
    if not asked or any(p.arg in given for p in asked):
        return None
    return min(asked, key=lambda parameter: error.index(parameter.arg))


_WORD = re.compile(r"[^\W\d]\w*")


def _asked_by_key(node: ast.FunctionDef | ast.AsyncFunctionDef, error: str) -> dict[str, Any]:
    """What a forward reads by keys from its ``**kwargs``, or from a table that is empty by default, where one of them was missing."""
    missing = missing_key(error)
    if missing is None:
        return {}
    tables = {p.arg for p, default in with_defaults(node.args) if isinstance(default, ast.Dict) and not default.keys}
    rest = node.args.kwarg.arg if node.args.kwarg is not None else ""
    read = keys_read(node)
    asked = [name for name, keys in read.items() if missing in keys]
    given = sorted(read[rest]) if rest in asked else [name for name in asked if name in tables]
    return {name: Unknown(f"`{name}` has no value here; add an entry") for name in given}


# What lacks an attribute and is no tensor fails whatever shapes tensors have.
_NOT_OF_INPUTS = re.compile(r"AttributeError: '(?!Tensor')\w+' object has no attribute")


def _without_guesses(node: ast.FunctionDef | ast.AsyncFunctionDef, probes: dict[str, Probe], error: str) -> list[Retry]:
    """Other inputs for a call that raised `error`, in the order in which they are to be tried."""
    names = {p.arg for p in (*node.args.args, *node.args.kwonlyargs)}
    if "return_dict" in names and "return_dict" in error:
        return [(probes, {"return_dict": False})]
    if "NoneType" in error and (left_out := _optional_tensors(node, probes)):
        needed = [name for name in left_out if not may_be_none(node, name)]
        ways = [needed, left_out] if needed and needed != left_out else [left_out]
        return [({**probes, **{name: Probe(name) for name in way}}, {}) for way in ways]
    if any(probe.told.startswith(_GUESSES) for probe in probes.values()) and not _NOT_OF_INPUTS.match(error):
        return [({n: Probe("", unworded=True) if p.told.startswith(_GUESSES) else p for n, p in probes.items()}, {})]
    return []


def _perhaps_labels(probes: dict[str, Probe], error: str) -> dict[str, Probe]:
    """Inputs that may be one label for each picture, for a call that fails over shapes: of what is looked up in an embedding it
    was taken for granted that it is rows of tokens."""
    if not _OF_SHAPES.search(error):
        return {}
    asked = [name for name, probe in probes.items() if probe.rank == 2 and probe.told == "first used by embedding"]
    return {name: Probe(name, 1, ("B",), dtype="i64", told="the call fails with rows of them") for name in asked}


_OF_SHAPES = re.compile(r"\b(?:must match the size|values to unpack|[Dd]imensions?|axes|dims)\b")


def _perhaps_integers(probes: dict[str, Probe], error: str) -> list[str]:
    """Inputs that may hold integers, for a call that fails because something does not; their type was told by nothing."""
    if not _WANTS_INTEGERS.search(error):
        return []
    return [name for name, probe in probes.items() if probe.dtype is None and probe.type() is not None]


_WANTS_INTEGERS = re.compile(r"\b(?:long|LongTensor|int64|integers?|integral)\b", re.I)


def _optional_tensors(node: ast.FunctionDef | ast.AsyncFunctionDef, given: dict[str, Probe]) -> list[str]:
    """Parameters that are None by default and tensors by their annotation, or have none."""
    return [
        parameter.arg
        for parameter, default in with_defaults(node.args)
        if isinstance(default, ast.Constant)
        and default.value is None
        and parameter.arg not in given
        and not is_container(parameter)
        and (parameter.annotation is None or "Tensor" in ast.unparse(parameter.annotation))
    ]


def _first_probes(
    interp: Interpreter, model: Instance, forward: Function, parameters: list[ast.arg], entries: Mapping[str, str] = {}
) -> dict[str, Probe]:
    """A probe for each of the parameters, and for each entry of a table by its key."""
    node = forward.node
    assert not isinstance(node, ast.Lambda)
    hints = hints_in_source(node, model.cls.node, interp.lines_of(forward.module), model.attrs)
    probes = {p.arg: hints.get(p.arg) or _picture(interp, model, p.arg) for p in parameters}
    for parameter in parameters:
        probe = probes[parameter.arg]
        probe.listed = holds_tensors(parameter) or parameter is node.args.vararg
        if parameter.annotation is not None:
            probe.number = False  # it would say so
    probes.update({name: Probe(key) for name, key in entries.items()})
    floats = [t.type for t in _parameters_of(model) if t.type.dtype in ("f16", "bf16", "f32", "f64")]
    kinds = {t.dtype for t in floats}
    if len(kinds) > 1:  # norms are often kept in another type than what the input is multiplied with
        kinds = {t.dtype for t in floats if t.rank is not None and t.rank > 1}
    if len(kinds) == 1:  # a model in half precision is given half precision
        for probe in probes.values():
            probe.usual = next(iter(kinds)) or probe.usual
    return probes


def _parameters_of(model: Instance, depth: int = 0) -> Iterator[Tensor]:
    """Parameters of a module and the modules in it."""
    for _, value in registered(model, "_parameters"):
        if isinstance(value, Tensor):
            yield value
    if depth < 20:
        for _, child in registered(model, "_modules"):
            if isinstance(child, Instance):
                yield from _parameters_of(child, depth + 1)


def _learn(
    interp: Interpreter,
    model: Instance,
    forward: Function,
    plain: dict[str, Any],
    probes: dict[str, Probe],
    unsure: Collection[str] = (),
) -> None:
    """Run the forward on probes until nothing more is learned; inputs that are settled take part as they are. unsure: of which
    something is to be learned although their shapes are known."""
    settled: dict[str, Any] = {}
    for number in range(_ROUNDS):
        asked = {name: probe for name, probe in probes.items() if name not in settled}
        if not any(n in unsure or not (p.knows and p.told) or (settled and p.vague) for n, p in asked.items()):
            if not number:
                _learn_sizes(interp, model, forward, plain, probes)
            return
        given = {name: _given(name, probe, probe_tensor(probe)) for name, probe in asked.items()}
        tensors = [probe for probe in asked.values() if not probe.listed]
        worded = [probe for probe in tensors if probe.worded]
        probed(interp, model, {**plain, **settled, **given}, partial(_probe, interp, model, forward, _PROBE_STEPS))
        share_sizes(worded)
        before = len(settled)
        asserted = any(probe.listed for probe in tensors)  # to be lists
        for name, probe in asked.items():
            probe.list_pictures()
            if probe.number and not probe.knows:
                plain[name] = settled[name] = dims.symbol(name)
                del probes[name]
        known = [name for name, probe in asked.items() if name in probes and probe.knows]
        for name in [n for n in known if not probes[n].vague] or known[:1]:
            kind = probes[name].type()
            if kind is not None:
                settled[name] = _given(name, probes[name], Tensor(kind, "input"))
        if len(settled) == before and not asserted:
            return


def _learn_sizes(
    interp: Interpreter, model: Instance, forward: Function, plain: dict[str, Any], probes: dict[str, Probe]
) -> None:
    """Run the forward on inputs of which words name the sizes, for the numbers that the code asks for in their place: nothing asks for
    those of indices and masks."""
    worded = [probe for probe in probes.values() if probe.worded and not probe.listed]
    if any(probe.dtype not in ("i64", "i32", "b8") for probe in worded):
        given = {
            name: probe_tensor(probe) if probe in worded else _input(interp, forward, name, probe)
            for name, probe in probes.items()
        }
        probed(interp, model, {**plain, **given}, partial(_probe, interp, model, forward, _SIZES_STEPS))
        share_sizes(worded)


def _given(name: str, probe: Probe, tensor: Tensor) -> Any:
    """What is passed for an input: the tensor, or a list of tensors with its number of dimensions, nobody knows how many.

    What one use tells of the sizes of one of them does not hold for the others.
    """
    if not probe.listed:
        return tensor
    shape = tensor.type.shape
    if shape:
        sizes = (*shape[:1], *(dims.fresh() for _ in shape[1:]))
        tensor = Tensor(TensorType(sizes, tensor.type.dtype), "input")
    return Unknown(f"`{name}` has no value here", item=tensor)


def _call(
    interp: Interpreter, model: Instance, forward: Function, plain: dict[str, Any], probes: dict[str, Probe], told: list[str],
    unsure: Collection[str] = (),
) -> Any:  # fmt: skip
    """Call a model on what its forward tells of its inputs. told: is given what is assumed about them. unsure: see
    :func:`_learn`."""
    ways: list[list[str]] = []

    def call() -> Any:
        _learn(interp, model, forward, plain, probes, unsure if not ways else ())
        ways.append(_assumed(forward, plain, probes))
        given = {name: _input(interp, forward, name, probe) for name, probe in probes.items()}
        inputs = in_tables(interp, {**plain, **given})
        rest = _rest(interp, forward, inputs)
        positional: list[Any] = []
        for name in signature_of(forward.node).positional[1:]:
            if name not in inputs:
                break
            positional.append(inputs.pop(name))
        return interp.call(model, (*positional, *rest), inputs)

    try:
        result = either_way(interp, call)
    except (PyRaise, Stop):
        told += ways[0] if ways else ()
        raise
    told += ways[-1]
    return result


def _assumed(forward: Function, plain: dict[str, Any], probes: dict[str, Probe]) -> list[str]:
    """What is assumed about inputs that nobody wrote."""
    told = []
    for name, probe in probes.items():
        kind = probe.type()
        if kind is None:
            told.append(f"{NOTHING_TELLS} `{name}`")
        else:
            what = f"a list of tensors with {kind.rank} dimensions" if probe.listed else str(kind)
            told.append(f"{name}: {what} ({probe.told or 'its name'})")
    for name, value in plain.items():
        if isinstance(value, Unknown):
            told.append(f"{name} is unknown: nothing gives it a value")
        elif _parameter(forward, name).annotation is None:
            told.append(f"{name} is a symbol: it is used as a number")
    return told


def _input(interp: Interpreter, forward: Function, name: str, probe: Probe) -> Any:
    """What a model is called with for an input."""
    kind = probe.type()
    if kind is not None:
        return _given(name, probe, Tensor(kind, "input"))
    unknown = probe_tensor(Probe(name))
    place = interp.span_of(forward, _parameter(forward, name))
    unknown.why = Unknown(f"{NOTHING_TELLS} `{name}`; add an entry or a hint", place)
    return _given(name, probe, unknown)


def _parameter(forward: Function, name: str) -> ast.arg:
    return next(p for p in _parameters(forward.node) if p.arg == owner(name))


def _parameters(node: Any) -> list[ast.arg]:
    rest = [node.args.vararg] if node.args.vararg is not None else []
    return [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs, *rest]


def _rest(interp: Interpreter, forward: Function, inputs: dict[str, Any]) -> tuple[Any, ...]:
    """What is passed for ``*args``, which leaves `inputs`: any number of the same."""
    rest = forward.node.args.vararg
    if rest is None or rest.arg not in inputs:
        return ()
    return (Unknown(FROM_ARGS, interp.span_of(forward, rest), inputs.pop(rest.arg)),)


def undecorated(func: Any) -> Any:
    """The function behind wrappers that name it (``functools.wraps``): its parameters are the ones callers see."""
    for _ in range(8):
        inner = func.attrs.get("__wrapped__") if isinstance(func, Function) else None
        if inner is None:
            break
        func = inner
    return func


def _handed_on(interp: Interpreter, model: Instance, forward: Function) -> tuple[Instance, Function]:
    """The module and its method that tell the inputs: of a forward that hands on whatever it is given, they are those that it calls."""
    for _ in range(8):
        args = forward.node.args
        if (
            args.vararg is None
            or args.kwarg is None
            or len(args.posonlyargs + args.args) > 1
            or required(forward.node, 1)
        ):
            break
        found = next(_taking_all(model, forward, args.vararg.arg, args.kwarg.arg), None)
        if found is None:
            break
        model, forward = found
        interp.looked_into(forward)
    return model, forward


def _taking_all(model: Instance, forward: Function, rest: str, named: str) -> Iterator[tuple[Instance, Function]]:
    """What `forward` calls with all of its arguments: a method of `model`, that of a base class, or a module in it."""
    for call in ast.walk(forward.node):
        if (
            isinstance(call, ast.Call)
            and isinstance(call.func, ast.Attribute)
            and any(isinstance(arg, ast.Starred) and is_name(arg.value, rest) for arg in call.args[:1])
            and any(keyword.arg is None and is_name(keyword.value, named) for keyword in call.keywords)
        ):
            name, of = call.func.attr, call.func.value
            holder, found = model, MISSING
            if is_name(of, forward.node.args.args[0].arg):
                child = next((c for n, c in registered(model, "_modules") if n == name), None)
                holder, name = (child, "forward") if isinstance(child, Instance) else (model, name)
                found = holder.cls.lookup(name)
            elif isinstance(of, ast.Call) and is_name(of.func, "super") and forward.owner in model.cls.mro:
                behind = model.cls.mro[model.cls.mro.index(forward.owner) + 1 :]
                found = next(
                    (c.namespace[name] for c in behind if isinstance(c, ClassObject) and name in c.namespace), MISSING
                )
            found = undecorated(found)
            if isinstance(found, Function) and not isinstance(found.node, ast.Lambda):
                yield holder, found


def _main_inputs(model: Instance, node: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.arg]:
    """What to pass to a forward whose every parameter has a default: the input its class or convention calls the main one."""
    main = model.cls.lookup("main_input_name")
    parameters = [*node.args.posonlyargs, *node.args.args][1:]
    names = [p.arg for p in parameters]
    chosen = main if isinstance(main, str) and main in names else next((n for n in names if n in CONVENTIONS), None)
    return [p for p in parameters if p.arg == chosen or (p.arg == "decoder_input_ids" and chosen is not None)]


def _picture(interp: Interpreter, model: Instance, name: str) -> Probe:
    """A probe for one input; pictures take their size from the model's configuration, where it has one."""
    config = model.attrs.get("config")
    if name == "pixel_values" and isinstance(config, Instance):
        size = interp.getattr(config, "image_size", None)
        channels = interp.getattr(config, "num_channels", None)
        height, width = size if isinstance(size, (list, tuple)) and len(size) == 2 else (size, size)
        if all(isinstance(v, int) for v in (channels, height, width)):
            frames = interp.getattr(config, "num_frames", None)
            of_video = (str(frames),) if isinstance(frames, int) else ()
            names = ("B", *of_video, str(channels), str(height), str(width))
            return Probe(name, len(names), names, told=_CONFIGURED)
    return Probe(name)


def _plain_value(interp: Interpreter, forward: Function, parameter: ast.arg) -> Any:
    """A value for a forward parameter that is not a tensor, MISSING for one that may be."""
    text = ast.unparse(parameter.annotation).strip("'\"") if parameter.annotation is not None else ""
    if text == "int":
        return dims.symbol(parameter.arg)
    if text in ("bool", "str", "float") or (is_container(parameter) and not holds_tensors(parameter)):
        reason = f"`{parameter.arg}` has no value here"
        return Unknown(reason, interp.span_of(forward, parameter), number=text == "float")
    if any(isinstance(node, ast.Call) and _is_or_item(node.func, parameter.arg) for node in ast.walk(forward.node)):
        reason = f"`{parameter.arg}` has no value here: it is called"
        return Unknown(reason, interp.span_of(forward, parameter))
    return MISSING


def _is_or_item(node: ast.expr, name: str) -> bool:
    """Whether an expression is the variable `name` or an item of it, as modules that a forward is given are."""
    while isinstance(node, ast.Subscript):
        node = node.value
    return is_name(node, name)


def _probe(
    interp: Interpreter, model: Instance, forward: Function, steps: int, inputs: Mapping[str, Any], changed: Written
) -> None:
    """Run the forward on probes, so far at most; its graph is thrown away. changed: is given the containers that are changed meanwhile."""
    from ane_lsp.interp.entries import guarded_inline

    recorder = interp.recorder
    kept = recorder.snapshot()
    written = interp.written
    interp.probing = True
    if written is None:
        probes = [probe for value in inputs.values() if (probe := probe_of(value)) is not None]  # entries of tables too
        interp.listening, interp.written = Listening(interp, probes), changed
    try:
        with interp.step_limit(steps):
            given = in_tables(interp, inputs)
            rest = _rest(interp, forward, given)
            guarded_inline(interp, lambda: interp.call(model, rest, given))
    except Told:
        pass
    finally:
        interp.probing = False
        interp.listening, interp.written = None, written
        interp.probe_shapes.clear()
        recorder.restore(kept)


__all__ = ["NOTHING_TELLS", "call_probed", "undecorated"]
