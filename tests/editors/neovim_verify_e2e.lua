-- Driven by test_neovim.py: a model is run and converted for real, once the project is trusted.
local out = assert(os.getenv("ANE_OUT"))
local lines, progress = {}, {}

local function finish(code)
  vim.fn.writefile(lines, out)
  vim.cmd("cquit " .. code)
end
local function eventually(what, condition)
  local reached = vim.wait(120000, function()
    local fine, value = pcall(condition)
    return fine and value
  end, 20)
  table.insert(lines, (reached and "ok   " or "FAIL ") .. what)
  if not reached then
    table.insert(lines, vim.fn.execute("messages"))
    table.insert(lines, vim.inspect(progress))
    finish(1)
  end
end
local function said(text)
  return vim.fn.execute("messages"):find(text, 1, true) ~= nil
end

vim.opt.runtimepath:prepend(os.getenv("ANE_RTP"))
vim.cmd("runtime! plugin/ane_lsp.lua")
local ane = require("ane_lsp")
ane.setup({ cmd = vim.json.decode(os.getenv("ANE_COMMAND")), settings = { python = os.getenv("ANE_PYTHON") } })
vim.api.nvim_create_autocmd("LspProgress", {
  callback = function(event)
    table.insert(progress, event.data.params.value)
  end,
})
vim.cmd("filetype on")
vim.cmd("edit " .. vim.fn.fnameescape(os.getenv("ANE_FILE")))
local function lens()
  for _, each in ipairs(vim.lsp.codelens.get(0)) do
    if each.command and each.command.title == "verify" then
      return each
    end
  end
end

eventually("attaches", function() return #ane.clients(0) == 1 and #vim.lsp.codelens.get(0) > 0 end)
eventually("no verify lens in a project that nobody trusts", function() return lens() == nil end)
local before = ane.clients(0)[1].id
vim.cmd("AneLsp trust")
eventually("trusted, by a new server", function() return #ane.clients(0) == 1 and ane.clients(0)[1].id ~= before end)
eventually("verify lens", function()
  vim.lsp.codelens.refresh({ bufnr = 0 })
  return lens() ~= nil
end)
progress = {}
vim.lsp.commands["ane-lsp.verify"](lens().command)
eventually("progress begins", function() return progress[1] and progress[1].kind == "begin" and progress[1].title:find("verify") end)
eventually("it names steps", function()
  return #vim.tbl_filter(function(each) return each.kind == "report" and each.message and each.percentage end, progress) > 0
end)
eventually("it ends", function() return progress[#progress].kind == "end" end)
eventually("the outcome is told", function() return said("converted: ") end)
vim.cmd("AneLsp distrust")
eventually("distrusted", function() return not ane.trusted(vim.fn.fnamemodify(os.getenv("ANE_FILE"), ":p:h")) end)
eventually("a server again", function() return #ane.clients(0) == 1 end)
vim.lsp.stop_client(vim.lsp.get_clients())
eventually("clean exit", function() return #vim.lsp.get_clients() == 0 end)
finish(0)
