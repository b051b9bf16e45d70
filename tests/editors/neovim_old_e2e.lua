-- Driven by test_neovim.py: what setup() gives a Neovim before 0.11, from 0.7 on.
local out = assert(os.getenv("ANE_OUT"))
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
-- The actions at a place, from the client itself: vim.lsp.buf.code_action of 0.7 cannot be told which one to take.
local function act(client, pattern, line, column)
  local place = { line = line, character = column }
  local params = {
    textDocument = vim.lsp.util.make_text_document_params(0),
    range = { start = place, ["end"] = place },
    context = { diagnostics = vim.lsp.diagnostic.get_line_diagnostics(0, line) },
  }
  local answer = vim.lsp.buf_request_sync(0, "textDocument/codeAction", params, 20000)[client.id].result
  for _, action in ipairs(answer) do
    if action.title:find(pattern) then
      if not action.edit then
        action = vim.lsp.buf_request_sync(0, "codeAction/resolve", action, 20000)[client.id].result
      end
      vim.lsp.util.apply_workspace_edit(action.edit, client.offset_encoding)
      return
    end
  end
  check("an action called " .. pattern .. " in " .. vim.inspect(answer), false)
end

vim.o.swapfile, vim.o.hidden = false, true
vim.opt.runtimepath:prepend(os.getenv("ANE_RTP"))
vim.cmd("runtime! plugin/ane_lsp.lua")
local ane = require("ane_lsp")
ane.setup({ cmd = vim.fn.json_decode(os.getenv("ANE_COMMAND")) })
vim.cmd("filetype on")
vim.cmd("edit " .. vim.fn.fnameescape(os.getenv("ANE_FILE")))
if vim.fn.has("nvim-0.8") == 0 then
  vim.cmd("setfiletype python")
end

eventually("attaches", function() return #ane.clients() == 1 end)
local client = ane.clients()[1]
eventually("three diagnostics", function() return count() == 3 end)
local first = vim.diagnostic.get(0)[1]
check("source and code", first.source == "ane-lsp" and first.code == "ANE302" or first.user_data.lsp.code == "ANE302")
check("column after an emoji", first.col == #"s = '😀'; ")
eventually("state", function() return ane.state == "idle" and ane.status() == "" end)
local position = { textDocument = vim.lsp.util.make_text_document_params(0), position = { line = 2, character = 6 } }
local hover = vim.lsp.buf_request_sync(0, "textDocument/hover", position, 20000)[client.id].result
check("hover", hover.contents.value:find("torch.nn.Conv2d", 1, true) ~= nil)
eventually("code lens", function()
  local lenses = vim.lsp.codelens.get(0)
  return #lenses == 2 and lenses[1].command.title:find("92 %% on the ANE of M4, 3 switches") ~= nil
end)
act(client, "^Replace bad by good", 3, 0)
eventually("quick fix", function() return text():find("good(2)", 1, true) ~= nil end)
eventually("its diagnostic is gone", function() return count() == 2 end)
act(client, "^Ignore ANE402.*on this line$", 4, 0)
eventually("suppression", function() return text():find("risky(3)  # ane: ignore[ANE402]", 1, true) ~= nil end)
vim.api.nvim_buf_set_lines(0, -1, -1, false, { "bad(8); bad(9)" })
eventually("edits are seen", function() return count() == 4 end)
vim.cmd("AneLsp fixall")
eventually("all fixes", function() return text():find("good(8); good(9)", 1, true) ~= nil and not text():find("bad(", 1, true) end)
ane.set({ ignore = { "ANE402" } })
eventually("settings take effect", function() return count() == 0 end)
ane.set({ ignore = {} })
eventually("and back", function() return count() == 1 end)
vim.cmd("AneLsp rule ANE302")
eventually("rule page", function() return vim.bo.filetype == "markdown" and text():find("# ANE302", 1, true) ~= nil end)
vim.cmd("close")
vim.cmd("silent! AneLsp verify")
eventually("verify is refused", function()
  return vim.fn.execute("messages"):find("has not said that it is trusted", 1, true) ~= nil
end)
local before = client.id
vim.cmd("AneLsp restart")
eventually("restart", function() return #ane.clients() == 1 and ane.clients()[1].id ~= before end)
eventually("diagnostics after the restart", function() return count() == 1 end)
vim.cmd("checkhealth ane_lsp")
check("health", text():find("ane%-lsp") ~= nil and text():find("runs for", 1, true) ~= nil)
vim.cmd("bdelete!")
vim.lsp.stop_client(ane.clients())
eventually("clean exit", function() return #ane.clients() == 0 end)
finish(0)
