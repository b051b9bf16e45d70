"""One module for each thing an editor asks: results and a request in, LSP types out. None of them waits for anything."""
