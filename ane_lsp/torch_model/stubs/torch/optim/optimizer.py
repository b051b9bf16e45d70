required = object()
ParamsT = object
_params_t = object


class Optimizer:
    def __init__(self, params, *args, **kwargs):
        self.defaults = {}
        self.state = {}
        groups = params if isinstance(params, (list, tuple)) else [params]
        self.param_groups = [group for group in groups if isinstance(group, dict)]

    def step(self, closure=None):
        return None

    def zero_grad(self, set_to_none=True):
        return None

    def state_dict(self):
        return {"state": {}, "param_groups": self.param_groups}

    def load_state_dict(self, state_dict):
        return None

    def add_param_group(self, param_group):
        self.param_groups.append(param_group)


def register_optimizer_step_pre_hook(hook):
    return None


def register_optimizer_step_post_hook(hook):
    return None
