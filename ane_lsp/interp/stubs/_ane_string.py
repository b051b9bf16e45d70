"""string.Template and string.Formatter, as interpreted source."""

import re


class Template:
    delimiter = "$"

    def __init__(self, template):
        self.template = template

    def _fill(self, values, safe):
        def replace(match):
            if match.group(1):
                return "$"
            name = match.group(2) or match.group(3)
            if name is None:
                if safe:
                    return match.group()
                raise ValueError("Invalid placeholder in string")
            if name not in values:
                if safe:
                    return match.group()
                raise KeyError(name)
            return str(values[name])

        return re.sub(r"\$(?:(\$)|([_a-zA-Z][_a-zA-Z0-9]*)|\{([_a-zA-Z][_a-zA-Z0-9]*)\}|)", replace, self.template)

    def substitute(self, mapping={}, /, **kwargs):
        return self._fill({**mapping, **kwargs}, False)

    def safe_substitute(self, mapping={}, /, **kwargs):
        return self._fill({**mapping, **kwargs}, True)


class Formatter:
    def format(self, format_string, /, *args, **kwargs):
        return format_string.format(*args, **kwargs)

    def vformat(self, format_string, args, kwargs):
        return format_string.format(*args, **kwargs)
