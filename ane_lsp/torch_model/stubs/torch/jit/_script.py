from torch.jit import RecursiveScriptModule, ScriptFunction, ScriptModule, script
