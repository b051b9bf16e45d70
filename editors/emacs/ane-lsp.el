;;; ane-lsp.el --- What the Apple Neural Engine will and will not run  -*- lexical-binding: t; -*-

;; Version: 0.1.0
;; Package-Requires: ((emacs "27.1"))
;; Keywords: languages, tools

;;; Commentary:

;; Connects the ane-lsp language server with eglot or lsp-mode.
;; With lsp-mode it runs beside the other Python servers (an add-on).
;; Eglot talks to one server per buffer: use `ane-lsp-eglot' in projects
;; of models, or put a multiplexer in front of several servers.

;;; Code:

(defgroup ane-lsp nil
  "PyTorch models on the Apple Neural Engine."
  :group 'tools
  :prefix "ane-lsp-")

(defcustom ane-lsp-command '("ane-lsp" "server")
  "Command line of the server."
  :type '(repeat string))

(defcustom ane-lsp-settings nil
  "Settings on top of the project's files, as a plist.
For example (:targets [\"iPhone 15 Pro\" \"M1\"] :inlay-hints \"all\")."
  :type 'plist)

(defvar eglot-server-programs)
(defvar eglot-workspace-configuration)
(declare-function eglot "ext:eglot")
(declare-function eglot-ensure "ext:eglot")
(declare-function eglot-current-server "ext:eglot")
(declare-function eglot-code-actions "ext:eglot")
(declare-function eglot--TextDocumentIdentifier "ext:eglot")
(declare-function eglot--signal-textDocument/didChange "ext:eglot")
(declare-function jsonrpc-request "ext:jsonrpc")
(declare-function lsp-register-client "ext:lsp-mode")
(declare-function make-lsp-client "ext:lsp-mode")
(declare-function lsp-stdio-connection "ext:lsp-mode")
(declare-function lsp-activate-on "ext:lsp-mode")
(declare-function lsp-request "ext:lsp-mode")
(declare-function lsp--buffer-uri "ext:lsp-mode")

;;;###autoload
(defun ane-lsp-eglot ()
  "Start eglot with ane-lsp as the server of this buffer's Python files."
  (interactive)
  (require 'eglot)
  (setq-local eglot-server-programs
              (cons `((python-mode python-ts-mode) . ,ane-lsp-command)
                    (default-value 'eglot-server-programs)))
  (when ane-lsp-settings
    (setq-local eglot-workspace-configuration (list :ane-lsp ane-lsp-settings)))
  (eglot-ensure))

(defun ane-lsp-execute (command &rest arguments)
  "Run the server's COMMAND with ARGUMENTS and return its result."
  (let ((params (list :command command :arguments (vconcat arguments))))
    (if (and (fboundp 'eglot-current-server) (eglot-current-server))
        (progn
          ;; Eglot sends changes when idle; the server must have them now.
          (when (fboundp 'eglot--signal-textDocument/didChange)
            (eglot--signal-textDocument/didChange))
          (jsonrpc-request (eglot-current-server) :workspace/executeCommand params))
      (lsp-request "workspace/executeCommand" params))))

(defun ane-lsp--uri ()
  "URI of this buffer, as its client spells it."
  (if (and (fboundp 'eglot-current-server) (eglot-current-server))
      (plist-get (eglot--TextDocumentIdentifier) :uri)
    (lsp--buffer-uri)))

(defun ane-lsp-fix-all ()
  "Apply all safe fixes in this buffer."
  (interactive)
  (ane-lsp-execute "ane-lsp.fixAll" (ane-lsp--uri)))

(defun ane-lsp-explain (code)
  "Show the page of rule CODE."
  (interactive "sRule (ANE302): ")
  (let ((page (ane-lsp-execute "ane-lsp.showRule" (upcase code))))
    (unless page (user-error "No rule %s" code))
    (with-current-buffer (get-buffer-create "*ane-lsp rule*")
      (let ((inhibit-read-only t))
        (erase-buffer)
        (insert page)
        (goto-char (point-min)))
      (when (fboundp 'markdown-view-mode) (markdown-view-mode))
      (display-buffer (current-buffer)))))

(with-eval-after-load 'lsp-mode
  (lsp-register-client
   (make-lsp-client
    :new-connection (lsp-stdio-connection (lambda () ane-lsp-command))
    :activation-fn (lsp-activate-on "python")
    :add-on? t
    :priority -2
    :initialization-options (lambda () (or ane-lsp-settings (make-hash-table)))
    :server-id 'ane-lsp)))

(provide 'ane-lsp)
;;; ane-lsp.el ends here
