" Driven by test_vim.py. Every check writes a line; the first that fails ends the run.
set nocompatible hidden noswapfile nobackup viminfo=
exe 'set rtp^=' . $ANE_ALE
exe 'set rtp^=' . $ANE_VIM
filetype plugin on
let g:ale_linters_explicit = 1
let g:ale_linters = {'python': ['ane_lsp']}
let g:ale_lint_delay = 50
let g:ale_python_ane_lsp_executable = $ANE_EXECUTABLE
let g:ale_python_ane_lsp_options = $ANE_OPTIONS
runtime plugin/ale.vim
let s:out = []
let s:steps = []
let s:began = reltime()

function! s:Finish(code) abort
    call writefile(s:out, $ANE_OUT)
    if a:code | cquit | else | qall! | endif
endfunction

function! s:Tick(timer) abort
    if empty(s:steps) | return s:Finish(0) | endif
    let [l:what, l:Test, l:Then] = s:steps[0]
    try
        let l:fine = l:Test()
        " Vim tells of changes after a key, as a person would press one.
        call feedkeys("\<Esc>", 't')
    catch
        let l:fine = 0
        let l:what .= ' ' . v:exception
    endtry
    if l:fine
        call add(s:out, 'ok   ' . l:what)
        call remove(s:steps, 0)
        let s:began = reltime()
        call l:Then()
    elseif reltimefloat(reltime(s:began)) > 60
        call add(s:out, 'FAIL ' . l:what)
        call add(s:out, string(s:Found()))
        call extend(s:out, getline(1, '$'))
        call s:Finish(1)
    endif
endfunction

function! s:Found() abort
    return ale#engine#GetLoclist(bufnr(''))
endfunction

function! s:Act(title) abort
    let s:title = a:title
    call ale#codefix#Execute(0, function('s:Menu'))
endfunction

function! s:Menu(data, items) abort
    let s:menu = map(copy(a:items), {_, pair -> get(pair[1], 'title', '')})
    for l:pair in a:items
        if get(l:pair[1], 'title', '') =~# s:title
            return ale#codefix#ApplyLSPCodeAction(a:data, l:pair[1])
        endif
    endfor
endfunction

function! s:At(line, column) abort
    call cursor(a:line, a:column)
endfunction

let s:steps = [
\ ['three diagnostics', {-> len(s:Found()) == 3}, {-> s:At(4, 1)}],
\ ['code and text', {-> s:Found()[0].code ==# 'ANE302' && s:Found()[0].text =~# 'runs on the CPU'}, {-> s:Act('^Replace bad by good')}],
\ ['quick fix', {-> getline(4) ==# 'good(2)'}, {-> 0}],
\ ['its diagnostic is gone', {-> len(s:Found()) == 2}, {-> s:At(5, 1)}],
\ ['the cursor is on another', {-> line('.') == 5}, {-> s:Act('^Ignore ANE402.*on this line')}],
\ ['suppression', {-> getline(5) ==# 'risky(3)  # ane: ignore[ANE402]'}, {-> append(5, 'bad(4)')}],
\ ['edits are seen', {-> !empty(filter(copy(s:Found()), {_, item -> item.lnum == 6}))}, {-> s:At(6, 1)}],
\ ['the cursor is on the new line', {-> line('.') == 6}, {-> s:Act('numbers')}],
\ ['a fix says that it changes numbers', {-> getline(6) ==# 'better(4)'}, {-> 0}],
\]
exe 'edit ' . fnameescape($ANE_FILE)
set filetype=python
call timer_start(50, function('s:Tick'), {'repeat': -1})
