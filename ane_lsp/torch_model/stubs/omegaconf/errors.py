"""omegaconf.errors."""


class OmegaConfBaseException(Exception):
    pass


class ReadonlyConfigError(OmegaConfBaseException):
    pass


class MissingMandatoryValue(OmegaConfBaseException):
    pass


class ConfigKeyError(OmegaConfBaseException, KeyError):
    pass


class ConfigAttributeError(OmegaConfBaseException, AttributeError):
    pass


class ConfigTypeError(OmegaConfBaseException, TypeError):
    pass


class ConfigIndexError(OmegaConfBaseException, IndexError):
    pass


class UnsupportedValueType(OmegaConfBaseException, ValueError):
    pass


class ValidationError(OmegaConfBaseException, ValueError):
    pass


class InterpolationResolutionError(OmegaConfBaseException, ValueError):
    pass


class InterpolationKeyError(InterpolationResolutionError):
    pass


class UnsupportedInterpolationType(OmegaConfBaseException, ValueError):
    pass
