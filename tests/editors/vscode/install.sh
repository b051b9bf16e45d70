#!/usr/bin/env bash
# install.sh DIR: a real VS Code that runs in a browser (code-server 4.96.4, which is Code 1.96.4), from the npm registry
# alone. Takes two to four minutes and 350 MB. Needs node 20, a C++ compiler, krb5 headers and ripgrep (Debian:
# build-essential libkrb5-dev ripgrep).
set -euo pipefail
dir=${1:?usage: install.sh DIR}
mkdir -p "$dir"
cd "$dir"
[ -f package.json ] || echo '{ "name": "vscode-in-a-browser", "private": true }' > package.json
# Headers that come with the system's node; otherwise node-gyp downloads them.
[ -e /usr/include/node/node.h ] && export npm_config_nodedir=/usr
# Install scripts fetch from places that a build machine may not reach; what they do is done by hand below.
npm install --no-audit --no-fund --ignore-scripts code-server@4.96.4
npm rebuild --foreground-scripts argon2
cd node_modules/code-server/lib/vscode
# One dependency is pinned to a git repository; the registry has the same version.
tarball=$(npm view @vscode/proxy-agent@0.27.0 dist.tarball)
TARBALL=$tarball node -e '
  const fs = require("fs"), file = "npm-shrinkwrap.json", lock = JSON.parse(fs.readFileSync(file));
  const entry = lock.packages["node_modules/@vscode/proxy-agent"];
  entry.resolved = process.env.TARBALL;
  delete entry.integrity;
  fs.writeFileSync(file, JSON.stringify(lock));'
npm install --no-audit --no-fund --omit=dev --ignore-scripts
mkdir -p node_modules/@vscode/ripgrep/bin
ln -sf "$(command -v rg)" node_modules/@vscode/ripgrep/bin/rg
npm rebuild --foreground-scripts @parcel/watcher @vscode/spdlog native-watchdog node-pty kerberos
ln -sfn node_modules node_modules.asar
ln -sf code-linux.sh bin/remote-cli/code-server
ln -sf browser-linux.sh bin/helpers/browser.sh
(cd extensions && npm install --no-audit --no-fund --omit=dev --ignore-scripts && node postinstall.mjs > /dev/null)
echo "installed in $dir"
