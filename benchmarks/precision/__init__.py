"""How many findings on code nobody wrote for this tool are right: collect, sample with a fixed seed, judge by hand."""
