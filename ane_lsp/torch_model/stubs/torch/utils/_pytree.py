"""Nested lists, tuples and dicts as flat lists of leaves."""


class TreeSpec:
    def __init__(self, type=None, context=None, children_specs=()):
        self.type = type
        self.context = context
        self.children_specs = list(children_specs)
        self.num_leaves = 1 if type is None else sum(spec.num_leaves for spec in self.children_specs)

    def is_leaf(self):
        return self.type is None


class LeafSpec(TreeSpec):
    pass


SUPPORTED_NODES = {}
Context = object
PyTree = object


def _parts(tree):
    """The kind of node, what rebuilding needs, and the children; None for a leaf."""
    if isinstance(tree, dict):
        return type(tree), list(tree.keys()), list(tree.values())
    if isinstance(tree, tuple) and hasattr(tree, "_fields"):
        return type(tree), "fields", list(tree)
    if isinstance(tree, (list, tuple)):
        return type(tree), None, list(tree)
    registered = SUPPORTED_NODES.get(type(tree))
    if registered is not None:
        children, context = registered[0](tree)
        return type(tree), context, list(children)
    return None


def tree_flatten(tree, is_leaf=None):
    parts = None if is_leaf is not None and is_leaf(tree) else _parts(tree)
    if parts is None:
        return [tree], LeafSpec()
    kind, context, children = parts
    leaves = []
    specs = []
    for child in children:
        child_leaves, spec = tree_flatten(child, is_leaf)
        leaves += child_leaves
        specs.append(spec)
    return leaves, TreeSpec(kind, context, specs)


def tree_unflatten(leaves, treespec):
    if treespec.is_leaf():
        return list(leaves)[0]
    leaves = list(leaves)
    children = []
    start = 0
    for spec in treespec.children_specs:
        children.append(tree_unflatten(leaves[start : start + spec.num_leaves], spec))
        start += spec.num_leaves
    if treespec.type in SUPPORTED_NODES:
        return SUPPORTED_NODES[treespec.type][1](children, treespec.context)
    if isinstance(treespec.context, list):
        return treespec.type(zip(treespec.context, children))
    if treespec.context == "fields":
        return treespec.type(*children)
    return treespec.type(children)


def tree_leaves(tree, is_leaf=None):
    return tree_flatten(tree, is_leaf)[0]


def tree_structure(tree, is_leaf=None):
    return tree_flatten(tree, is_leaf)[1]


def tree_iter(tree, is_leaf=None):
    return iter(tree_leaves(tree, is_leaf))


def tree_map(func, tree, *rests, is_leaf=None):
    leaves, spec = tree_flatten(tree, is_leaf)
    others = [tree_leaves(rest, is_leaf) for rest in rests]
    return tree_unflatten([func(*each) for each in zip(leaves, *others)], spec)


def tree_map_(func, tree, *rests, is_leaf=None):
    tree_map(func, tree, *rests, is_leaf=is_leaf)
    return tree


def tree_map_only(kind, func, tree=None, is_leaf=None):
    return tree_map(lambda leaf: func(leaf) if isinstance(leaf, kind) else leaf, tree, is_leaf=is_leaf)


def tree_all(pred, tree, is_leaf=None):
    return all(pred(leaf) for leaf in tree_leaves(tree, is_leaf))


def tree_any(pred, tree, is_leaf=None):
    return any(pred(leaf) for leaf in tree_leaves(tree, is_leaf))


def register_pytree_node(cls, flatten_fn, unflatten_fn, **kwargs):
    SUPPORTED_NODES[cls] = (flatten_fn, unflatten_fn)


_register_pytree_node = register_pytree_node
