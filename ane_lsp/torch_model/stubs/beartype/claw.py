"""beartype.claw: the checks for all functions of a package."""


def beartype_this_package(*, conf=None):
    return None


def beartype_package(package_name, *, conf=None):
    return None


def beartype_packages(package_names, *, conf=None):
    return None


def beartype_all(*, conf=None):
    return None
