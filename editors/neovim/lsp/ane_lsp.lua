-- Configuration for Neovim 0.11 and later: vim.lsp.enable("ane_lsp"). See :help ane-lsp.

---@type vim.lsp.Config
return {
  cmd = function(dispatchers, config)
    local root = config and config.root_dir or vim.fn.getcwd()
    return vim.lsp.rpc.start(require("ane_lsp").command(root), dispatchers)
  end,
  filetypes = { "python", "toml" },
  root_markers = { "ane-lsp.toml", ".ane-lsp.toml", "pyproject.toml", "setup.py", ".git" },
  settings = { ["ane-lsp"] = {} },
  before_init = function(params, config)
    local told = require("ane_lsp").init_options(config.root_dir)
    params.initializationOptions = vim.tbl_extend("force", told, params.initializationOptions or {})
  end,
}
