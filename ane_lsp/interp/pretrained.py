"""``from_pretrained``: the model that a published configuration describes, or unknown where it is not on this machine.

Weights decide no shape, a configuration decides all of them, and class defaults would be another model's: without its
``config.json`` nothing is assumed. Summaries of transformers and diffusers, see :mod:`ane_lsp.interp.summaries`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ane_lsp.graph import Unknown
from ane_lsp.interp.values import Builtin, ClassMethod, ClassObject, DType, Function, Instance, ModuleObject

if TYPE_CHECKING:
    from ane_lsp.interp.machine import Interpreter

Args = tuple[Any, ...]
Kwargs = dict[str, Any]

# Arguments that say how weights are fetched and kept; none reaches the model.
_LOADING = frozenset({
    "adapter_kwargs", "cache_dir", "code_revision", "device_map", "disable_mmap", "force_download",
    "ignore_mismatched_sizes", "local_files_only", "low_cpu_mem_usage", "max_memory", "offload_folder",
    "offload_state_dict", "output_loading_info", "proxies", "resume_download", "revision", "state_dict", "subfolder",
    "token", "trust_remote_code", "use_auth_token", "use_safetensors", "variant", "weights_only", "_from_auto",
})  # fmt: skip


def _raw(interp: Interpreter, args: Args, kwargs: Kwargs) -> dict[str, Any] | Unknown:
    """The configuration's own dict."""
    name = args[1] if len(args) > 1 else kwargs.get("pretrained_model_name_or_path")
    if not isinstance(name, str):
        return name if isinstance(name, Unknown) else interp.unknown("from_pretrained() of a name that is not known")
    subfolder, revision = kwargs.get("subfolder") or "", kwargs.get("revision") or "main"
    found = None
    if isinstance(subfolder, str) and isinstance(revision, str):
        found = interp.workspace.model_configuration(name, subfolder, revision)
    if found is None:
        return interp.unknown(
            f"the configuration of '{name}' is not on this machine: download it once, or build the model from a config"
        )
    return found


def _rest(kwargs: Kwargs) -> Kwargs:
    return {k: v for k, v in kwargs.items() if k not in _LOADING and k != "pretrained_model_name_or_path"}


def _configuration(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    """``SomeConfig.from_pretrained(name)``."""
    raw = _raw(interp, args, kwargs)
    return raw if isinstance(raw, Unknown) else _config_of(interp, args[0], raw, _rest(kwargs))


def _config_of(interp: Any, cls: Any, raw: dict[str, Any], kwargs: Kwargs) -> Any:
    key = interp.getattr(cls, "base_config_key", None)
    if isinstance(key, str) and key and isinstance(raw.get(key), dict):
        raw = raw[key]
    kind = interp.getattr(cls, "model_type", None)
    if raw.get("model_type") not in (None, kind):
        raw = next((v for v in raw.values() if isinstance(v, dict) and v.get("model_type") == kind), raw)
    return interp.call(interp.getattr(cls, "from_dict"), (dict(raw),), kwargs)


def _any_configuration(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    """``AutoConfig.from_pretrained(name)``."""
    raw = _raw(interp, args, kwargs)
    return raw if isinstance(raw, Unknown) else _auto_config(interp, raw, _rest(kwargs))


def _auto_config(interp: Any, raw: dict[str, Any], kwargs: Kwargs) -> Any:
    module = interp.import_module("transformers.models.auto.configuration_auto")
    kind = raw.get("model_type")
    mapping = interp.module_attribute(module, "CONFIG_MAPPING") if isinstance(module, ModuleObject) else None
    if mapping is None or not isinstance(kind, str) or interp.truth(interp.contains(mapping, kind)) is not True:
        return interp.unknown(f"a configuration of type {kind!r} belongs to code that is not part of transformers")
    return _config_of(interp, interp.getitem(mapping, kind), raw, kwargs)


def _model(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    """``SomeModel.from_pretrained(name)``."""
    cls = args[0]

    def configure(raw: dict[str, Any], options: Kwargs) -> Any:
        found = interp.getattr(cls, "config_class", None)
        if not isinstance(found, ClassObject):
            return interp.unknown(f"{cls.name} names no configuration class")
        return _config_of(interp, found, raw, options)

    return _built(interp, args, kwargs, configure, lambda config, rest: interp.call(cls, (config, *args[2:]), rest))


def _any_model(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    """``AutoModel.from_pretrained(name)``."""

    def make(config: Any, rest: Kwargs) -> Any:
        return interp.call(interp.getattr(args[0], "from_config"), (config,), rest)

    return _built(interp, args, kwargs, lambda raw, options: _auto_config(interp, raw, options), make)


def _built(
    interp: Any,
    args: Args,
    kwargs: Kwargs,
    configure: Callable[[dict[str, Any], Kwargs], Any],
    make: Callable[[Any, Kwargs], Any],
) -> Any:
    """The model that `make` builds of the configuration passed in, or of the one that `configure` makes of the file's."""
    options = _rest(kwargs)
    config, dtype = _options(options)
    if config is None:
        raw = _raw(interp, args, kwargs)
        if isinstance(raw, Unknown):
            return raw
        config, options = _split(configure(raw, {**options, "return_unused_kwargs": True}))
    return config if isinstance(config, Unknown) else _loaded(interp, make(config, options), config, dtype)


def _split(found: Any) -> tuple[Any, Kwargs]:
    """A configuration and the arguments it had no use for."""
    if isinstance(found, tuple) and len(found) == 2 and isinstance(found[1], dict):
        return found[0], found[1]
    return found, {}


def _options(options: Kwargs) -> tuple[Any, Any]:
    """Takes the configuration object and the dtype that were asked for out of the arguments."""
    config = options.pop("config", None)
    old = options.pop("torch_dtype", None)
    dtype = options.pop("dtype", None)
    return config, dtype if dtype is not None else old


def _loaded(interp: Any, model: Any, config: Any, dtype: Any) -> Any:
    """The model as loading leaves it: in evaluation mode, in the dtype asked for or that of its checkpoint."""
    if not isinstance(model, Instance):
        return model
    if dtype is None and not _keeps_float32(interp):
        dtype = "auto"
    if dtype == "auto":
        dtype = interp.getattr(config, "dtype", None)
    if isinstance(dtype, str):
        torch = interp.import_module("torch")
        dtype = interp.module_attribute(torch, dtype.removeprefix("torch."))
    return _ready(interp, model, dtype)


def _ready(interp: Any, model: Instance, dtype: Any) -> Any:
    """In evaluation mode, converted where a dtype is known."""
    if isinstance(dtype, DType):
        interp.call(interp.getattr(model, "to"), (dtype,))
    return interp.call(interp.getattr(model, "eval"), ())


def _keeps_float32(interp: Any) -> bool:
    """Before its version 5, transformers loaded every checkpoint as float32."""
    package = interp.import_module("transformers")
    version = interp.module_attribute(package, "__version__") if isinstance(package, ModuleObject) else None
    return isinstance(version, str) and version.partition(".")[0] in ("2", "3", "4")


def _diffusers(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    """``UNet2DModel.from_pretrained(name, subfolder="unet")`` of diffusers."""
    raw = _raw(interp, args, kwargs)
    if isinstance(raw, Unknown):
        return raw
    options = _rest(kwargs)
    dtype = options.pop("torch_dtype", None)
    model = interp.call(interp.getattr(args[0], "from_config"), (dict(raw),), options)
    return _ready(interp, model, dtype) if isinstance(model, Instance) else model


def _shared(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    """``Net.from_pretrained(name)`` of an author's own class, of huggingface_hub's mixin: the configuration holds what the
    constructor was given."""
    cls = args[0]
    init = cls.lookup("__init__")
    signature = init.signature if isinstance(init, Function) and not init.module.is_torch else None
    names = [*signature.positional[1:], *signature.kwonly] if signature is not None else []
    takes_any = signature is not None and signature.kwarg is not None
    options = {k: v for k, v in _rest(kwargs).items() if k not in ("map_location", "strict")}
    if takes_any or any(name not in options for name in names):
        raw = _raw(interp, args, kwargs)
        if isinstance(raw, Unknown):
            return raw
        known = raw if takes_any else {k: raw[k] for k in names if k in raw}
        if "config" in names and "config" not in raw:
            known = {**known, "config": dict(raw)}
        options = {**known, **options}
    model = interp.call(cls, (), options)
    return _ready(interp, model, None) if isinstance(model, Instance) else model


def _outside(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    return interp.unknown("files that belong to a checkpoint are not read")


_METHODS = {
    _configuration: ("transformers.configuration_utils:PreTrainedConfig.from_pretrained",),
    _any_configuration: ("transformers.models.auto.configuration_auto:AutoConfig.from_pretrained",),
    _model: ("transformers.modeling_utils:PreTrainedModel.from_pretrained",),
    _any_model: ("transformers.models.auto.auto_factory:_BaseAutoModelClass.from_pretrained",),
    _diffusers: ("diffusers.models.modeling_utils:ModelMixin.from_pretrained",),
    _shared: ("huggingface_hub:ModelHubMixin.from_pretrained",),
    _outside: (
        "transformers.feature_extraction_utils:FeatureExtractionMixin.from_pretrained",
        "transformers.generation.configuration_utils:GenerationConfig.from_pretrained",
        "transformers.image_processing_base:ImageProcessingMixin.from_pretrained",
        "transformers.models.auto.feature_extraction_auto:AutoFeatureExtractor.from_pretrained",
        "transformers.models.auto.image_processing_auto:AutoImageProcessor.from_pretrained",
        "transformers.models.auto.processing_auto:AutoProcessor.from_pretrained",
        "transformers.models.auto.tokenization_auto:AutoTokenizer.from_pretrained",
        "transformers.models.auto.video_processing_auto:AutoVideoProcessor.from_pretrained",
        "transformers.processing_utils:ProcessorMixin.from_pretrained",
        "transformers.tokenization_utils_base:PreTrainedTokenizerBase.from_pretrained",
        "transformers.video_processing_utils:BaseVideoProcessor.from_pretrained",
        "diffusers.pipelines.pipeline_utils:DiffusionPipeline.from_pretrained",
        "diffusers.schedulers.scheduling_utils:SchedulerMixin.from_pretrained",
    ),
}

FROM_PRETRAINED: dict[str, ClassMethod] = {
    key: ClassMethod(Builtin(key.partition(":")[2], fn)) for fn, keys in _METHODS.items() for key in keys
}
