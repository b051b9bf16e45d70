"""Names for annotations."""

from typing import Any

_maybe_indices_t = Any
_ratio_2_t = Any
_ratio_3_t = Any
_ratio_any_t = Any
_scalar_or_tuple_1_t = Any
_scalar_or_tuple_2_t = Any
_scalar_or_tuple_3_t = Any
_scalar_or_tuple_4_t = Any
_scalar_or_tuple_5_t = Any
_scalar_or_tuple_6_t = Any
_scalar_or_tuple_any_t = Any
_size_1_t = Any
_size_2_opt_t = Any
_size_2_t = Any
_size_3_opt_t = Any
_size_3_t = Any
_size_4_t = Any
_size_5_t = Any
_size_6_t = Any
_size_any_opt_t = Any
_size_any_t = Any
_tensor_list_t = Any
