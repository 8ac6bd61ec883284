#!/bin/sh
# Installs the front ends' clients and touches the file that is named. Never fails: their tests say that they were left out.
stamp=$(pwd)/$1
cd "$(dirname "$0")" || exit 0
recent='const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'
if ! node -e "$recent" 2>/dev/null || ! command -v npm >/dev/null; then
  echo "Front ends' clients: no Node 20.19 or newer here, so their tests are left out." >&2
  exit 0
fi
if ! npm ci --no-audit --no-fund --fetch-retries=1 --loglevel=error >"$(dirname "$stamp")/clients.log" 2>&1; then
  echo "Front ends' clients: not installed (see .venv/clients.log), so their tests are left out." >&2
  exit 0
fi
touch "$stamp"
