"""The ``ane-lsp`` command. One module a subcommand, loaded only when it is the one asked for."""
