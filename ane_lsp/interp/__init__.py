"""An abstract interpreter of Python: concrete wherever the program is, abstract where tensors and sizes come from outside."""
