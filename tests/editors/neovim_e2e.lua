-- Driven by test_neovim.py. Every check writes a line; the first that fails ends the run.
local out = assert(os.getenv("ANE_OUT"))
local command = vim.json.decode(os.getenv("ANE_COMMAND"))
local file = os.getenv("ANE_FILE")
local lines = {}

local function finish(code)
  vim.fn.writefile(lines, out)
  vim.cmd("cquit " .. code)
end
local function check(what, value)
  table.insert(lines, (value and "ok   " or "FAIL ") .. what)
  if not value then
    table.insert(lines, vim.fn.execute("messages"))
    table.insert(lines, vim.inspect(vim.diagnostic.get(0)))
    finish(1)
  end
end
local function eventually(what, condition)
  check(what, vim.wait(60000, function()
    local fine, value = pcall(condition)
    return fine and value
  end, 20))
end
local function text()
  return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, false), "\n")
end
local function count()
  return #vim.diagnostic.get(0)
end

vim.o.swapfile, vim.o.shadafile = false, "NONE"
vim.opt.runtimepath:prepend(os.getenv("ANE_RTP"))
vim.cmd("runtime! plugin/ane_lsp.lua")
local ane = require("ane_lsp")
local progress = {}
if os.getenv("ANE_OLD") then
  vim.lsp.config = nil
  ane.setup({ cmd = command })
else
  ane.options.cmd = command
  vim.lsp.enable("ane_lsp")
end
vim.api.nvim_create_autocmd("LspProgress", {
  callback = function(event)
    table.insert(progress, event.data.params.value.kind)
  end,
})
vim.cmd("filetype on")
vim.cmd("edit " .. file)

eventually("attaches", function() return #ane.clients(0) == 1 end)
local client = ane.clients(0)[1]
check("columns as Neovim prefers them", client.offset_encoding == "utf-8")
eventually("three diagnostics", function() return count() == 3 end)
local first = vim.diagnostic.get(0)[1]
check("source and code", first.source == "ane-lsp" and first.code == "ANE302")
check("column after an emoji", first.col == #"s = '😀'; ")
eventually("state", function() return ane.state == "idle" and ane.status() == "" end)

local position = { textDocument = vim.lsp.util.make_text_document_params(0), position = { line = 2, character = 6 } }
local hover = vim.lsp.buf_request_sync(0, "textDocument/hover", position, 5000)[client.id].result
check("hover", hover.contents.value:find("torch.nn.Conv2d", 1, true) ~= nil)
eventually("inlay hints", function()
  local hints = vim.lsp.inlay_hint.get({ bufnr = 0 })
  return #hints == 1 and hints[1].inlay_hint.label == ": [1, 4] f32"
end)
eventually("code lens", function()
  local lenses = vim.lsp.codelens.get(0)
  return #lenses == 2 and lenses[1].command.title:find("92 %% on the ANE of M4, 3 switches") ~= nil
end)

vim.cmd("AneLsp report")
eventually("report as a file", function()
  local made = vim.fn.execute("messages"):gsub("\n", ""):match("report in ([^%s]+%.html)")
  return made and table.concat(vim.fn.readfile(made)):find("<html>", 1, true)
end)
vim.cmd("silent! AneLsp verify")
eventually("verify is refused where nobody said that the project is trusted", function()
  return vim.fn.execute("messages"):find("has not said that it is trusted", 1, true) ~= nil
end)
check("a server of the project itself is not started", (function()
  ane.options.cmd = nil
  local root = vim.fn.fnamemodify(file, ":p:h")
  local found, own = ane.command(root)[1], ane.own_server(root)
  ane.options.trusted = true
  local then_found = ane.command(root)[1]
  ane.options.trusted, ane.options.cmd = false, command
  return own and found ~= own and then_found == own and not vim.startswith(found, root)
end)())
check("trusted by a setting of the user", (function()
  ane.options.trusted = function(root) return root == "/mine" end
  local told = ane.init_options("/mine").trusted and not ane.init_options("/other").trusted
  ane.options.trusted = false
  return told
end)())

vim.api.nvim_win_set_cursor(0, { first.lnum + 1, first.col })
vim.lsp.buf.code_action({ apply = true, filter = function(action) return action.isPreferred end })
eventually("quick fix", function() return text():find("s = '😀'; good(1)", 1, true) ~= nil end)
eventually("its diagnostic is gone", function() return count() == 2 end)

local risky = vim.tbl_filter(function(d) return d.code == "ANE402" end, vim.diagnostic.get(0))[1]
vim.api.nvim_win_set_cursor(0, { risky.lnum + 1, risky.col })
vim.lsp.buf.code_action({ apply = true, filter = function(action) return action.title:find("^Ignore ANE402.*on this line$") ~= nil end })
eventually("suppression", function() return text():find("risky(3)  # ane: ignore[ANE402]", 1, true) ~= nil end)

vim.api.nvim_buf_set_lines(0, -1, -1, false, { "bad(8); bad(9)" })
eventually("edits are seen", function() return count() == 4 end)
vim.cmd("let &undolevels = &undolevels") -- what follows is undone by itself
vim.cmd("AneLsp fixall")
eventually("all fixes", function() return text():find("good(8); good(9)", 1, true) ~= nil and not text():find("bad(", 1, true) end)
vim.cmd("undo")
eventually("undo", function() return text():find("bad(8); bad(9)", 1, true) ~= nil end)
vim.lsp.buf.code_action({ apply = true, context = { only = { "source.fixAll.ane" }, diagnostics = {} } })
eventually("fixAll as a code action", function() return not text():find("bad(", 1, true) end)
eventually("nothing left but what cannot be fixed", function() return count() == 1 end)
vim.cmd("silent write")
check("on disk", table.concat(vim.fn.readfile(file), "\n"):find("good(8); good(9)", 1, true) ~= nil)

vim.cmd("AneLsp workspace")
eventually("workspace check with progress", function()
  return progress[1] == "begin" and progress[#progress] == "end"
end)
eventually("its result is told", function() return vim.fn.execute("messages"):find("findings in 2 files", 1, true) ~= nil end)

ane.set({ ignore = { "ANE402" } })
eventually("settings take effect", function() return count() == 0 end)
ane.set({ ignore = {} })
eventually("and back", function() return count() == 1 end)

vim.cmd("AneLsp rule ANE302")
eventually("rule page", function() return vim.bo.filetype == "markdown" and text():find("# ANE302", 1, true) ~= nil end)
vim.cmd("close")

local before = client.id
vim.cmd("AneLsp restart")
eventually("restart", function() return #ane.clients(0) == 1 and ane.clients(0)[1].id ~= before end)
eventually("diagnostics after the restart", function() return count() == 1 end)

vim.cmd("checkhealth ane_lsp")
check("health", text():find("ane%-lsp") ~= nil and text():find("runs for", 1, true) ~= nil)
vim.cmd("close")
vim.cmd("helptags " .. os.getenv("ANE_RTP") .. "/doc")
vim.cmd("help ane-lsp-settings")
check("help", text():find("diagnostic-mode", 1, true) ~= nil)
vim.cmd("close")
vim.fn.delete(os.getenv("ANE_RTP") .. "/doc/tags")

vim.lsp.stop_client(vim.lsp.get_clients())
eventually("clean exit", function() return #vim.lsp.get_clients() == 0 end)
finish(0)
