class Graph:
    pass


class CodeGen:
    pass
