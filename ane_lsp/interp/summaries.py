"""Library functions that are known by what they do instead of being followed.

Only machinery that no tensor goes through, and that is long or works on its own source: docstring decorators, kernel
look-ups, telemetry. Keyed by module and name as the library defines them; a user's function of the same name elsewhere is
not touched.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ane_lsp.interp.pretrained import FROM_PRETRAINED
from ane_lsp.interp.values import Builtin, ClassMethod, ClassObject, Function, Instance, Tensor

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


def _identity(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    return args[0] if args else None


def _maybe_decorator(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    """``@decorator`` and ``@decorator(...)``: the decorated thing unchanged."""
    if args and isinstance(args[0], (Function, ClassObject)) and len(args) == 1:
        return args[0]
    return Builtin("decorator", _identity)


def _decorator_factory(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    return Builtin("decorator", _identity)


def _nothing(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    return None


def _false(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    return False


def _filled(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    """A tensor filled in place with numbers nobody knows; shape and dtype stay."""
    tensor = args[0] if args else kwargs.get("tensor")
    if isinstance(tensor, Tensor):
        interp.forget_contents(tensor)
    return tensor


def _files(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    return interp.unknown("what files there are is not looked at")


def _mapped(interp: Any, obj: Any, name: Any) -> Any:
    names = obj.cls.lookup("attribute_map")
    return names.get(name, name) if isinstance(names, dict) else name


def _config_getattribute(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    """Attributes of a transformers configuration, under the names its ``attribute_map`` gives them."""
    obj, name = args
    return interp.plain_attribute(obj, name if name == "attribute_map" else _mapped(interp, obj, name))


def _recorded_outputs(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    """Which outputs of a model can be recorded: what its class says, for a registry that each model of the class puts just that into."""
    flags = interp.getattr(args[1], "_can_record_outputs")
    return {} if flags is None else flags


def _of_a_model_type(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    """What the module of a model type has by some name, imported each time: a table of those that were is another one each time."""
    table, model_type, name = args

    def own(what: str) -> Any:
        return interp.load_global(what, table.cls.module)

    folder = interp.call(own("model_type_to_module_name"), (model_type,))
    if not isinstance(folder, str):
        return interp.unknown("of which type a model is")
    module = interp.call(interp.getattr(own("importlib"), "import_module"), (f".{folder}", "transformers.models"))
    return interp.call(own("getattribute_from_module"), (module, name))


_CHOICE_OF_EXPERTS = re.compile(r"^[ \t]*@use_experts_implementation", re.MULTILINE)


def _chooses_experts(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    """Whether how a class computes experts can be chosen: where its source does not say so, it cannot."""
    module = args[0].module
    if module.path is not None and not _CHOICE_OF_EXPERTS.search(interp.workspace.read(Path(module.path)).text):
        return False
    return interp.unknown("how experts are computed is chosen when the model is built")


def _extractor(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    """A model that ends with the last of some of its modules and gives what they gave."""
    given = dict(zip(("model", "return_nodes"), args)) | kwargs
    made = None
    if set(given) <= {"model", "return_nodes", "suppress_diff_warning"} and isinstance(given.get("model"), Instance):
        make = interp.getattr(interp.import_module("_ane_extractor"), "create_feature_extractor")
        made = interp.call(make, (given["model"], given.get("return_nodes")))
    return interp.unknown("what torch.fx makes of a model is not read") if made is None else made


def _config_setattr(interp: Any, args: Args, kwargs: Kwargs) -> Any:
    obj, name, value = args
    interp.setattr_default(obj, _mapped(interp, obj, name), value)


_KINDS = {
    _config_getattribute: ("transformers.configuration_utils:PreTrainedConfig.__getattribute__",),
    _recorded_outputs: ("transformers.utils.output_capturing:_CanRecordRegistry.get",),
    _of_a_model_type: ("transformers.models.auto.auto_factory:_LazyAutoMapping._load_attr_from_module",),
    _extractor: ("torchvision.models.feature_extraction:create_feature_extractor",),
    _config_setattr: ("transformers.configuration_utils:PreTrainedConfig.__setattr__",),
    _maybe_decorator: (
        "transformers.utils.auto_docstring:auto_docstring",
        "transformers.utils.deprecation:deprecate_kwarg",
    ),
    _decorator_factory: (
        "transformers.models.auto.configuration_auto:replace_list_option_in_docstrings",
        "transformers.utils.doc:add_start_docstrings",
        "transformers.utils.doc:add_start_docstrings_to_model_forward",
        "transformers.utils.doc:add_end_docstrings",
        "transformers.utils.doc:add_code_sample_docstrings",
        "transformers.utils.doc:replace_return_docstrings",
        "transformers.integrations.hub_kernels:use_kernel_forward_from_hub",
        "transformers.integrations.hub_kernels:use_kernelized_func",
        "transformers.integrations.hub_kernels:use_kernel_func_from_hub",
        "diffusers.utils.doc_utils:replace_example_docstring",
        "transformers.utils.import_utils:requires",
    ),
    # Several tensor operations each, for every weight of a model.
    _filled: ("timm.layers.weight_init:trunc_normal_", "timm.layers.weight_init:trunc_normal_tf_"),
    _identity: (
        "transformers.models.auto.auto_factory:auto_class_update",
        "transformers.utils.doc:copy_func",
    ),
    # Asks for the files of files until none is new; of files nobody reads, that is never.
    _files: ("transformers.dynamic_module_utils:get_relative_import_files",),
    _nothing: (
        "torchvision.utils:_log_api_usage_once",
        "timm.layers.config:set_fused_attn",
        # With every model built the table would be another one, for all that read it.
        "transformers.utils.output_capturing:_CanRecordRegistry.__setitem__",
        # Fill weights with random numbers, module by module: half the steps of building a model, and no shape depends on it.
        "transformers.modeling_utils:PreTrainedModel.initialize_weights",
        "timm.models.vision_transformer:VisionTransformer.init_weights",
        # Fetch weights for a model that is built already.
        "timm.models._builder:load_pretrained",
        "timm.models._builder:load_custom_pretrained",
    ),
}

SUMMARIES: dict[str, Builtin | ClassMethod] = {
    **{key: Builtin(key.partition(":")[2], fn) for fn, keys in _KINDS.items() for key in keys},
    **FROM_PRETRAINED,
    # It notes its answer in the class, and names of classes would stand for something else with every model built.
    "transformers.modeling_utils:PreTrainedModel._can_set_experts_implementation": ClassMethod(
        Builtin("PreTrainedModel._can_set_experts_implementation", _chooses_experts)
    ),
}
