// Runs tests in CPython compiled to WebAssembly (Pyodide), for a Python of which no interpreter is at hand. Pyodide 314 is CPython 3.14.
//
//   npm install --prefix DIR pyodide@314
//   pip install --target DIR/lib --no-deps pytest pluggy iniconfig packaging pygments "hypothesis<6.130" sortedcontainers attrs cattrs \
//       typing-extensions lsprotocol pygls pytest-timeout
//   ulimit -s unlimited; node --stack-size=50000 tests/packaging/webassembly.mjs DIR tests/syntax tests/report tests/checks/test_examples.py
//
// There are no threads, no processes and no git, so tests that need them fail; everything else should pass.
import { join, resolve } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

const [folder, ...tests] = process.argv.slice(2);
const root = resolve(fileURLToPath(import.meta.url), "..", "..", "..");
const { loadPyodide } = await import(pathToFileURL(resolve(folder, "node_modules", "pyodide", "pyodide.mjs")));
const python = await loadPyodide({ env: { HOME: "/tmp", PYTHONDONTWRITEBYTECODE: "1" } });
for (const [from, to] of [[root, "/checkout"], [resolve(folder, "lib"), "/libraries"]]) {
  python.FS.mkdir(to);
  python.FS.mount(python.FS.filesystems.NODEFS, { root: from }, to);
}
python.globals.set("tests", python.toPy(tests));
await python.runPythonAsync(`
import os, sys, threading, time
sys.path[:0] = ["/checkout", "/libraries"]
os.chdir("/checkout")
threading.Thread.start = lambda self: self.run()
threading.Thread.join = lambda self, timeout=None: None
threading.Thread.is_alive = lambda self: False
time.thread_time = time.process_time
import pytest
print(sys.version)
code = int(pytest.main(["-q", "-p", "no:cacheprovider", "-o", "addopts=", "--tb=line", *tests]))
`);
process.exit(python.globals.get("code"));
