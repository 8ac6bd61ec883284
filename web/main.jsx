import "graphiql/setup-workers/vite";
import "graphiql/style.css";
import "@graphiql/plugin-explorer/style.css";
import "./main.css";
import { explorerPlugin } from "@graphiql/plugin-explorer";
import { createGraphiQLFetcher } from "@graphiql/toolkit";
import { GraphiQL, HISTORY_PLUGIN } from "graphiql";
import { parse } from "graphql";
import { createRoot } from "react-dom/client";
import { configuration } from "./configuration.js";
import { signingInPlugin } from "./signing-in.jsx";
import { createStorage } from "./storage.js";

const { endpoint, headers, tabs, workspace } = configuration();
const storage = createStorage(headers.Authorization);

// GraphiQL names a tab after its operation, so the title goes on top of the query.
const defaultTabs = tabs.map(({ title, query, variables }) => ({
  query: title && !query.startsWith("#") ? `# ${title}\n${query}` : query,
  variables,
}));

// GraphiQL does not fill in the variables of the tab it opens with: name that
// tab, the one left open on the last visit or else the first.
function openingTab() {
  try {
    const state = JSON.parse(storage.getItem("graphiql:tabState"));
    return state.tabs[state.activeTabIndex];
  } catch {
    return defaultTabs[0];
  }
}

const tab = openingTab();

// GraphiQL asks for the schema before its headers editor is there: the schema
// is always asked for with the headers given, the editor's laid over them.
// Subscriptions take the headers' credentials in connection_init.
const socket = new URL(endpoint, location.href);
socket.protocol = socket.protocol.replace("http", "ws");
const send = createGraphiQLFetcher({
  url: endpoint,
  subscriptionUrl: socket.href,
  enableIncrementalDelivery: false,
  schemaFetcher: createGraphiQLFetcher({ url: endpoint, headers }),
});

// GraphiQL has parsed the document only a while after its tab was opened, and a subscription is known by that.
function fetcher(parameters, options) {
  let { documentAST } = options ?? {};
  try {
    documentAST ??= parse(parameters.query);
  } catch {
    // the server says what is wrong with it
  }
  return send(parameters, { ...options, documentAST });
}

// Made once: GraphiQL knows its plugins by identity.
const plugins = [
  HISTORY_PLUGIN,
  explorerPlugin({ showAttribution: false }),
  signingInPlugin({ endpoint, workspace, conceal: storage.conceal }),
];

createRoot(document.getElementById("root")).render(
  <GraphiQL
    fetcher={fetcher}
    storage={storage}
    plugins={plugins}
    defaultTabs={defaultTabs.length ? defaultTabs : undefined}
    defaultHeaders={Object.keys(headers).length ? JSON.stringify(headers, null, 2) : undefined}
    initialQuery={tab?.query ?? undefined}
    initialVariables={tab?.variables ?? undefined}
    shouldPersistHeaders={false}
    schemaDescription
    inputValueDeprecation
  >
    <GraphiQL.Logo>Rolodesk</GraphiQL.Logo>
  </GraphiQL>,
);
