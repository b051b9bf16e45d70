"""What torch means: argument binding, shape and dtype rules, and the graph op each call becomes."""
