if vim.g.loaded_ane_lsp then
  return
end
vim.g.loaded_ane_lsp = true

require("ane_lsp").wire()

vim.api.nvim_create_user_command("AneLsp", function(call)
  local ane = require("ane_lsp")
  local run = ane.commands[call.fargs[1]]
  if run then
    run(call.fargs[2])
  else
    vim.notify("ane-lsp: no such command: " .. call.fargs[1], vim.log.levels.ERROR)
  end
end, {
  nargs = "+",
  desc = "ane-lsp",
  complete = function(lead, line)
    if #vim.split(line, "%s+") > 2 then
      return {}
    end
    return vim.tbl_filter(function(name)
      return vim.startswith(name, lead)
    end, vim.fn.sort(vim.tbl_keys(require("ane_lsp").commands)))
  end,
})
