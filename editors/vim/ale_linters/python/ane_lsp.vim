" ane-lsp for ALE: what the Apple Neural Engine will and will not run.

call ale#Set('python_ane_lsp_executable', 'ane-lsp')
call ale#Set('python_ane_lsp_options', 'server')
" Keys of ane-lsp.toml, on top of the project's own files: {'targets': ['iPhone 15 Pro']}
call ale#Set('python_ane_lsp_config', {})

function! ale_linters#python#ane_lsp#GetProjectRoot(buffer) abort
    for l:name in ['ane-lsp.toml', '.ane-lsp.toml', 'pyproject.toml', 'setup.py']
        let l:found = ale#path#FindNearestFile(a:buffer, l:name)

        if !empty(l:found)
            return fnamemodify(l:found, ':h')
        endif
    endfor

    return expand('#' . a:buffer . ':p:h')
endfunction

call ale#linter#Define('python', {
\   'name': 'ane_lsp',
\   'lsp': 'stdio',
\   'executable': {buffer -> ale#Var(buffer, 'python_ane_lsp_executable')},
\   'command': {buffer -> '%e ' . ale#Var(buffer, 'python_ane_lsp_options')},
\   'project_root': function('ale_linters#python#ane_lsp#GetProjectRoot'),
\   'lsp_config': {buffer -> {'ane-lsp': ale#Var(buffer, 'python_ane_lsp_config')}},
\})
