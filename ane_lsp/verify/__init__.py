"""Convert the real model in a process of its own and compare what comes out with what the source analysis said.

``parent`` starts and watches the worker; ``worker`` and the modules named ``worker_*`` run in the user's interpreter, next to
the user's code, and are the only ones that import torch or coremltools. What passes between the two is plain JSON.
"""
