#!/bin/sh
# Builds GraphiQL's bundle and touches the file that is named. Never fails: without a bundle the plain page serves.
stamp=$(pwd)/$1
cd "$(dirname "$0")" || exit 0
log=$(dirname "$stamp")/graphiql.log
recent='const [major, minor] = process.versions.node.split(".").map(Number); process.exit(major > 20 || (major === 20 && minor >= 19) ? 0 : 1)'
if ! node -e "$recent" 2>/dev/null || ! command -v npm >/dev/null; then
  echo "GraphiQL: no Node 20.19 or newer here, so the page without dependencies is served." >&2
  exit 0
fi
echo "GraphiQL: building its bundle …"
if ! (npm ci --no-audit --no-fund --fetch-retries=1 && npm run build) >"$log" 2>&1; then
  echo "GraphiQL: the bundle was not built (see $log); the page without dependencies is served." >&2
  echo "          Try again with: make graphiql" >&2
fi
touch "$stamp"
