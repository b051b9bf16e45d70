"""Version information of a build without accelerators."""

__version__ = "2.13.0"
debug = False
cuda = None
git_version = ""
hip = None
rocm = None
xpu = None
