class Node:
    pass


Target = object
Argument = object
