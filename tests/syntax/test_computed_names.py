"""Which files may register names that stand nowhere in their text."""

from __future__ import annotations

import pytest

from ane_lsp.syntax.computed_names import computes_names
from ane_lsp.syntax.outline import outline

_FILLED = "from dataclasses import replace\n\nsizes = dict(small=1, large=2)\n"
_LOOP = "for k in ('small', 'large'):\n    sizes[k + '_wide'] = replace(sizes[k], width=2)\n"
_USED = "\n\ndef build(name):\n    return Model(sizes[name])\n\n\ndef small():\n    return build('small')\n"


def _computes(text: str) -> bool:
    pieces = outline(text)
    assert pieces is not None
    return computes_names(text, pieces)


@pytest.mark.parametrize(
    "text",
    [
        "names = ['a', 'b']\n",
        "@register('a')\ndef small():\n    pass\n",
        "def build(names):\n    for n in names:\n        register(n)\n",
        _FILLED + _LOOP,
        _FILLED + _LOOP + _USED,
        "import copy\n\nsizes: dict = {}\nfor k in 'ab':\n    sizes.update({k.upper(): copy.deepcopy(k)})\n",
        "sizes = []\nif True:\n    for k in range(3):\n        sizes.append(f'x{k}')\n",
        "n = 0\nsizes = {}\nfor k in 'ab':\n    n += 1\n    sizes[k] = n\n",
        "from .registry import names\n\nlong = [n for n in names if n]\nfor n in names:\n    long.extend([n + 'a'])\n",
    ],
)
def test_what_stays_inside_of_the_file(text: str) -> None:
    assert not _computes(text)


@pytest.mark.parametrize(
    "text",
    [
        "@register(f'{1}a')\ndef small():\n    pass\n",
        "for k in 'ab':\n    register(k)\n",
        "from .registry import sizes\n\nfor k in 'ab':\n    sizes[k] = 1\n",
        "from .registry import store\n\nsizes = store.sizes\nfor k in 'ab':\n    sizes[k] = 1\n",
        "from .registry import all_sizes\n\nsizes = {}\nsizes = all_sizes()\nfor k in 'ab':\n    sizes[k] = 1\n",
        "from .registry import replace\n\nsizes = {}\nfor k in 'ab':\n    sizes[k] = replace(k)\n",
        "from copy import replace\nfrom .registry import *\n\nsizes = {}\nfor k in 'ab':\n    sizes[k] = replace(k)\n",
        _FILLED + "try:\n    from .registry import replace\nexcept ImportError:\n    pass\n" + _LOOP,
        "from .registry import store\n\nsizes = {}\nif (sizes := store):\n    pass\nfor k in 'ab':\n    sizes[k] = 1\n",
        "from .registry import store\n\nsizes = {'a': store}\nfor k in 'ab':\n    sizes['a'][k] = 1\n",
        "from .registry import store\n\nfor one in (store,):\n    one.update(a=1)\n",
        "from .registry import store\n\nsizes = {}\nfor k in 'ab':\n    sizes = store\n    sizes[k] = 1\n",
        "from .registry import store\n\nfor k in 'ab':\n    store.last = k\n",
        "from .registry import names\n\nfor k in 'ab':\n    names += [k]\n",
        "from .registry import names\n\nfor k in 'ab':\n    names << k\n",
        "for k in 'ab':\n    globals()[k] = 1\n",
        "for k in 'ab':\n    @register\n    def made():\n        pass\n",
        "for k in 'ab':\n    from .registry import last\n",
        _FILLED + _LOOP + "\nregister_all(sizes)\n",
        _FILLED + _LOOP + "\nname = f'{register_all(sizes)}'\n",
        _FILLED + _LOOP + _USED + "\n\nregister_all(small)\n",
        _FILLED + _LOOP + "\n\nclass Sizes:\n    all = sizes\n\n\nregister_all(Sizes)\n",
        "from .registry import store\n\nsizes = store.all = {}\nfor k in 'ab':\n    sizes[k] = 1\n",
    ],
)
def test_what_may_register_elsewhere(text: str) -> None:
    assert _computes(text)


def test_a_file_that_is_not_cut_is_judged_by_its_lines() -> None:
    assert computes_names("for k in 'ab':\r\n    register(k)\r\n", None)
    assert not computes_names("def build():\r\n    for k in 'ab':\r\n        register(k)\r\n", None)
    assert computes_names("@register(name())\r\ndef f(): pass\r\n", None)


def test_a_file_that_does_not_parse_may_do_anything() -> None:
    assert _computes("sizes = {}\nfor k in 'ab':\n    sizes[k] = = 1\n")
