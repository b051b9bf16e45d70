--- ane-lsp for Neovim: what the Apple Neural Engine will and will not run, while you type.
local M = {}

--- Options of setup(). `settings` goes to the server; see :help ane-lsp-settings.
M.defaults = {
  cmd = nil, -- a list; without it the environment of a trusted project, $VIRTUAL_ENV and PATH are looked through
  inlay_hints = true, -- show shapes behind assignments
  code_lens = true, -- show the share of a model that can run on the Neural Engine
  trusted = false, -- true, or a function of the project folder: whether code of the project may run, as :AneLsp trust says
  settings = {}, -- targets, select, ignore, ... as in ane-lsp.toml
}
M.options = vim.deepcopy(M.defaults)
M.state = "not running"

local windows = vim.fn.has("win32") == 1

local function program(environment)
  local folder, name = windows and "Scripts" or "bin", windows and "ane-lsp.exe" or "ane-lsp"
  local path = environment .. "/" .. folder .. "/" .. name
  return environment ~= "" and vim.fn.executable(path) == 1 and path or nil
end

local function trust_file()
  return vim.fn.stdpath("data") .. "/ane_lsp_trusted"
end

local function trust_list()
  return vim.fn.filereadable(trust_file()) == 1 and vim.fn.readfile(trust_file()) or {}
end

local function absolute(folder)
  return (vim.fn.resolve(vim.fn.fnamemodify(folder, ":p")):gsub("[/\\]+$", ""))
end

--- Whether code of a project may run: its environment's server, and `verify`. A project itself can never say so.
---@param root string?
---@return boolean
function M.trusted(root)
  local told = M.options.trusted
  if type(told) == "function" then
    told = told(root)
  end
  return told == true or root ~= nil and vim.tbl_contains(trust_list(), absolute(root))
end

--- The environment of a project that holds a server, whether it may be started or not.
function M.own_server(root)
  return program(root .. "/.venv") or program(root .. "/venv")
end

--- The command that starts the server for a project folder: the setting, a trusted project's environment, $VIRTUAL_ENV, PATH.
---@param root string
---@return string[]
function M.command(root)
  if M.options.cmd then
    return M.options.cmd
  end
  local own = M.own_server(root)
  local found = own and M.trusted(root) and own or program(vim.env.VIRTUAL_ENV or "")
  if own and not found and vim.fn.executable("ane-lsp") == 0 then
    vim.notify_once(("ane-lsp: %s is started once you trust the project: :AneLsp trust"):format(own), vim.log.levels.WARN)
  end
  return { found or "ane-lsp", "server" }
end

--- What the server is told once, when it starts: nothing in a project can set it.
function M.init_options(root)
  return { statusNotification = true, trusted = M.trusted(root) }
end

--- Clients of this server, of a buffer or all.
function M.clients(buffer)
  local get = vim.lsp.get_clients or vim.lsp.get_active_clients
  return get({ name = "ane_lsp", bufnr = buffer })
end

--- Run a server command; `done` gets its result.
function M.execute(command, arguments, done)
  local client = M.clients()[1]
  if not client then
    vim.notify("ane-lsp is not running", vim.log.levels.WARN)
    return
  end
  local params = { command = command, arguments = arguments or {} }
  local handler = function(err, result)
    if err then
      vim.notify("ane-lsp: " .. err.message, vim.log.levels.ERROR)
    elseif done then
      done(result)
    end
  end
  if vim.fn.has("nvim-0.11") == 1 then
    client:request("workspace/executeCommand", params, handler)
  else
    client.request("workspace/executeCommand", params, handler)
  end
end

local function show_page(lines, filetype)
  vim.cmd("botright new")
  vim.bo.buftype, vim.bo.bufhidden, vim.bo.swapfile = "nofile", "wipe", false
  vim.api.nvim_buf_set_lines(0, 0, -1, false, lines)
  vim.bo.filetype, vim.bo.modifiable = filetype, false
end

--- What :AneLsp knows.
M.commands = {
  fixall = function()
    M.execute("ane-lsp.fixAll", { vim.uri_from_bufnr(0) })
  end,
  workspace = function()
    M.execute("ane-lsp.checkWorkspace", {}, function(found)
      vim.notify(("ane-lsp: %d findings in %d files"):format(found.findings, found.files))
    end)
  end,
  report = function()
    M.execute("ane-lsp.report", { { uri = vim.uri_from_bufnr(0) } }, function(made)
      vim.notify("ane-lsp: report in " .. made.path)
    end)
  end,
  verify = function(model)
    M.execute("ane-lsp.verify", { { uri = vim.uri_from_bufnr(0), model = model } }, function(found)
      vim.notify(("ane-lsp verify: %s, %d findings"):format(found.ended, found.findings))
    end)
  end,
  rule = function(code)
    code = code or (vim.diagnostic.get(0, { lnum = vim.fn.line(".") - 1 })[1] or {}).code
    if not code then
      vim.notify("ane-lsp: :AneLsp rule CODE, or with the cursor on a finding", vim.log.levels.WARN)
      return
    end
    M.execute("ane-lsp.showRule", { code }, function(page)
      if type(page) ~= "string" then
        vim.notify("ane-lsp: no rule " .. code, vim.log.levels.WARN)
      else
        show_page(vim.split(page, "\n"), "markdown")
      end
    end)
  end,
  target = function()
    M.execute("ane-lsp.targets", {}, function(targets)
      vim.ui.select(targets, {
        prompt = "What must the model run on?",
        format_item = function(item)
          return item.name .. "  (" .. item.about .. ")"
        end,
      }, function(choice)
        if choice then
          M.set({ targets = { choice.name } })
        end
      end)
    end)
  end,
  trust = function(folder)
    local client = M.clients(0)[1]
    local root = absolute(folder or client and client.config.root_dir or vim.fn.getcwd())
    local known = trust_list()
    if not vim.tbl_contains(known, root) then
      vim.fn.mkdir(vim.fn.stdpath("data"), "p")
      vim.fn.writefile(vim.list_extend(known, { root }), trust_file())
    end
    vim.notify("ane-lsp: trusted, and remembered: " .. root)
    M.commands.restart()
  end,
  distrust = function(folder)
    local client = M.clients(0)[1]
    local root = absolute(folder or client and client.config.root_dir or vim.fn.getcwd())
    local kept = vim.tbl_filter(function(each)
      return each ~= root
    end, trust_list())
    if #kept < #trust_list() then
      vim.fn.writefile(kept, trust_file())
    end
    vim.notify("ane-lsp: not trusted: " .. root)
    M.commands.restart()
  end,
  debug = function()
    M.execute("ane-lsp.debugInfo", {}, function(info)
      show_page(vim.split(vim.inspect(info), "\n"), "lua")
    end)
  end,
  restart = function()
    for _, client in ipairs(M.clients()) do
      local buffers = client.attached_buffers and vim.tbl_keys(client.attached_buffers)
        or vim.lsp.get_buffers_by_client_id(client.id) -- 0.7
      -- Neovim never refreshes the lenses of a buffer again whose lens was being resolved when its server ended.
      vim.wait(2000, function()
        for _, request in pairs(client.requests or {}) do
          if request.type == "pending" and request.method:find("odeLens") then
            return false
          end
        end
        return true
      end, 20)
      if vim.fn.has("nvim-0.11") == 1 then
        client:stop()
      else
        client.stop()
      end
      local function again(left)
        if left > 0 and vim.lsp.get_client_by_id(client.id) then
          vim.defer_fn(function()
            again(left - 1)
          end, 100)
          return
        end
        for _, buffer in ipairs(buffers) do
          if vim.api.nvim_buf_is_loaded(buffer) then
            vim.api.nvim_buf_call(buffer, function()
              vim.api.nvim_exec_autocmds("FileType", { buffer = buffer, modeline = false })
            end)
          end
        end
      end
      again(100)
    end
  end,
  log = function()
    vim.cmd("edit " .. vim.fn.fnameescape(vim.lsp.get_log_path and vim.lsp.get_log_path() or vim.lsp.log.get_filename()))
  end,
}

--- Change settings of running servers: M.set({ targets = { "M1" } }).
function M.set(settings)
  M.options.settings = vim.tbl_deep_extend("force", M.options.settings, settings)
  for _, client in ipairs(M.clients()) do
    local all = client.settings or client.config.settings or {}
    all["ane-lsp"] = vim.tbl_deep_extend("force", all["ane-lsp"] or {}, settings)
    client.config.settings = all
    if client.settings then
      client.settings = all
    end
    local params = { settings = all }
    if vim.fn.has("nvim-0.11") == 1 then
      client:notify("workspace/didChangeConfiguration", params)
    else
      client.notify("workspace/didChangeConfiguration", params)
    end
  end
end

--- For a statusline: "", or what the server is doing.
function M.status()
  return M.state == "idle" and "" or "ane-lsp: " .. M.state
end

local function on_attach(client, buffer)
  if M.options.inlay_hints and vim.lsp.inlay_hint and client.server_capabilities.inlayHintProvider then
    vim.lsp.inlay_hint.enable(true, { bufnr = buffer })
  end
  if M.options.code_lens and client.server_capabilities.codeLensProvider then
    if vim.lsp.codelens.enable then -- 0.12: shows and refreshes by itself
      vim.lsp.codelens.enable(true, { bufnr = buffer })
    else
      local refresh = function()
        if vim.fn.has("nvim-0.10") == 1 then
          vim.lsp.codelens.refresh({ bufnr = buffer })
        else
          vim.lsp.codelens.refresh()
        end
      end
      vim.api.nvim_create_autocmd({ "BufEnter", "InsertLeave", "TextChanged" }, { buffer = buffer, callback = refresh })
      refresh()
    end
  end
end

--- Wire up hints, lenses and the state; called by plugin/ane_lsp.lua.
function M.wire()
  vim.lsp.handlers["ane-lsp/status"] = function(_, params)
    M.state = params.state
  end
  for _, name in ipairs({ "showModel", "report", "verify" }) do
    vim.lsp.commands["ane-lsp." .. name] = function(command)
      M.execute("ane-lsp." .. name, command.arguments)
    end
  end
  if vim.fn.exists("##LspAttach") == 1 then
    vim.api.nvim_create_autocmd("LspAttach", {
      group = vim.api.nvim_create_augroup("ane_lsp", { clear = true }),
      callback = function(event)
        local client = vim.lsp.get_client_by_id(event.data.client_id)
        if client and client.name == "ane_lsp" then
          on_attach(client, event.buf)
        end
      end,
    })
  end
end

--- Start with options. On 0.11 and later it enables lsp/ane_lsp.lua; before that it starts clients itself.
function M.setup(options)
  M.options = vim.tbl_deep_extend("force", vim.deepcopy(M.defaults), options or {})
  local settings = { ["ane-lsp"] = M.options.settings }
  if vim.lsp.config then
    vim.lsp.config("ane_lsp", { settings = settings })
    vim.lsp.enable("ane_lsp")
    return
  end
  vim.api.nvim_create_autocmd("FileType", {
    group = vim.api.nvim_create_augroup("ane_lsp_start", { clear = true }),
    pattern = { "python", "toml" },
    callback = function(event)
      local markers = { "ane-lsp.toml", ".ane-lsp.toml", "pyproject.toml", "setup.py", ".git" }
      local file = vim.api.nvim_buf_get_name(event.buf)
      local root = vim.fn.fnamemodify(file, ":p:h")
      if vim.fs then
        local marker = vim.fs.find(markers, { upward = true, path = root })[1]
        root = marker and vim.fs.dirname(marker) or root
      end
      local config = {
        name = "ane_lsp",
        cmd = M.command(root),
        root_dir = root,
        settings = settings,
        init_options = M.init_options(root),
        on_attach = vim.fn.exists("##LspAttach") == 0 and on_attach or nil,
      }
      if vim.lsp.start then
        vim.lsp.start(config)
      else
        M._by_root = M._by_root or {}
        local running = M._by_root[root] and vim.lsp.get_client_by_id(M._by_root[root])
        M._by_root[root] = running and running.id or vim.lsp.start_client(config)
        vim.lsp.buf_attach_client(event.buf, M._by_root[root])
      end
    end,
  })
end

return M
