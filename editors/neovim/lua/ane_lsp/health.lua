-- :checkhealth ane_lsp
local M = {}

local health = vim.health or require("health") -- 0.7
local start = health.start or health.report_start
local ok = health.ok or health.report_ok
local warn = health.warn or health.report_warn
local failed = health.error or health.report_error
local info = health.info or health.report_info

function M.check()
  local ane = require("ane_lsp")
  start("ane-lsp")
  if vim.fn.has("nvim-0.11") == 1 then
    ok("Neovim has vim.lsp.config and vim.lsp.enable")
  elseif vim.fn.has("nvim-0.7") == 1 then
    warn("Neovim is older than 0.11: call require('ane_lsp').setup()")
  else
    failed("Neovim 0.7 or later is needed")
  end
  local command = ane.command(vim.fn.getcwd())
  if vim.fn.executable(command[1]) == 1 then
    local version = vim.fn.system({ command[1], command[1]:match("ane%-lsp") and "--version" or "-V" })
    ok(("%s: %s"):format(command[1], vim.trim(version)))
  else
    failed(command[1] .. " is not executable", { "pip install ane-lsp", "or give setup() the option `cmd`" })
  end
  local own = ane.own_server(vim.fn.getcwd())
  if ane.trusted(vim.fn.getcwd()) then
    ok("this folder is trusted: verify may run its code")
  else
    info("this folder is not trusted: verify is refused, " .. (own and own .. " is not started" or "nothing of it is started"))
  end
  local clients = ane.clients()
  if #clients == 0 then
    warn("no server is running", { "open a Python file; vim.lsp.enable('ane_lsp') must have been called" })
  end
  for _, client in ipairs(clients) do
    ok(("server %d runs for %s, columns in %s"):format(client.id, client.config.root_dir or "no folder", client.offset_encoding))
  end
  local shown = vim.diagnostic.config() or {}
  if not (shown.virtual_text or shown.virtual_lines) then
    info("Neovim shows no text for diagnostics by default: vim.diagnostic.config({ virtual_text = true })")
  end
end

return M
