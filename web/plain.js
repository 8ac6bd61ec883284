const byId = (id) => document.getElementById(id);
const form = document.querySelector("form");
const fields = { query: byId("query"), variables: byId("variables"), headers: byId("headers") };

const element = byId("rolodesk");
const configuration = {
  endpoint: "/graphql",
  headers: {},
  tabs: [],
  ...(element && JSON.parse(element.textContent)),
};

function create(tag, properties = {}, ...children) {
  const made = Object.assign(document.createElement(tag), properties);
  made.append(...children);
  return made;
}

function parseObject(label, text) {
  if (!text.trim()) return {};
  let value;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new Error(`${label}: ${error.message}`);
  }
  if (value === null || typeof value !== "object" || Array.isArray(value)) {
    throw new Error(`${label}: a JSON object is expected`);
  }
  return value;
}

async function post(body) {
  const response = await fetch(configuration.endpoint, {
    method: "POST",
    headers: {
      "Content-Type": "application/json",
      Accept: "application/graphql-response+json, application/json;q=0.9",
      ...parseObject("Headers", fields.headers.value),
    },
    body: JSON.stringify(body),
  });
  const text = await response.text();
  try {
    return { status: response.status, answer: JSON.parse(text) };
  } catch {
    throw new Error(`Not a JSON answer (status ${response.status}):\n${text}`);
  }
}

/* Request and answer */

let runs = 0;

async function run() {
  const number = ++runs;
  const started = performance.now();
  let status = "Running…";
  byId("status").value = status;
  let shown;
  try {
    const variables = parseObject("Variables", fields.variables.value);
    const result = await post({ query: fields.query.value, variables });
    shown = JSON.stringify(result.answer, null, 2);
    status = `${result.status}, ${Math.round(performance.now() - started)} ms`;
  } catch (error) {
    shown = error.message;
    status = "Failed";
  }
  if (number !== runs) return; // a later run has taken over
  byId("answer").textContent = shown;
  byId("status").value = status;
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  run();
});

document.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
});

/* Examples: what was edited is kept while another one is open. */

const tabs = configuration.tabs.length
  ? configuration.tabs
  : [{ title: "Query", query: "{\n  __typename\n}", variables: "{}" }];
let opened = null;

function open(tab) {
  if (opened) {
    opened.query = fields.query.value;
    opened.variables = fields.variables.value;
  }
  opened = tab;
  fields.query.value = tab.query;
  fields.variables.value = tab.variables ?? "{}";
  tabs.forEach((each) => each.button.setAttribute("aria-pressed", each === tab));
}

for (const tab of tabs) {
  tab.button = create("button", { type: "button", textContent: tab.title, onclick: () => open(tab) });
  byId("examples").append(tab.button);
}
fields.headers.value = JSON.stringify(configuration.headers, null, 2);
open(tabs[0]);

/* Schema browser */

const TYPE = "kind name ofType { kind name ofType { kind name ofType { kind name ofType { kind name } } } }";
const VALUE = `name description defaultValue isDeprecated deprecationReason type { ${TYPE} }`;
const INTROSPECTION = `query Schema {
  __schema {
    queryType { name }
    mutationType { name }
    subscriptionType { name }
    types {
      kind
      name
      description
      fields(includeDeprecated: true) {
        name description isDeprecated deprecationReason
        args(includeDeprecated: true) { ${VALUE} }
        type { ${TYPE} }
      }
      inputFields(includeDeprecated: true) { ${VALUE} }
      enumValues(includeDeprecated: true) { name description isDeprecated deprecationReason }
      interfaces { ${TYPE} }
      possibleTypes { ${TYPE} }
    }
  }
}`;
const KINDS = {
  OBJECT: "type",
  INTERFACE: "interface",
  UNION: "union",
  ENUM: "enum",
  INPUT_OBJECT: "input",
  SCALAR: "scalar",
};

function showType(name) {
  byId("filter").value = "";
  filter();
  const details = byId(`type-${name}`);
  details.open = true;
  details.querySelector("summary").focus();
  details.scrollIntoView();
}

function typeLink({ kind, name, ofType }) {
  if (kind === "NON_NULL") return [...typeLink(ofType), "!"];
  if (kind === "LIST") return ["[", ...typeLink(ofType), "]"];
  return [create("button", { type: "button", className: "link", textContent: name, onclick: () => showType(name) })];
}

function notes({ description, isDeprecated, deprecationReason }) {
  const paragraphs = [];
  if (description) paragraphs.push(create("p", { textContent: description }));
  if (isDeprecated) {
    paragraphs.push(create("p", { className: "deprecated", textContent: `Deprecated: ${deprecationReason}` }));
  }
  return paragraphs;
}

function entry(item) {
  const line = create("div", { className: "signature" }, create("b", { textContent: item.name }));
  if (item.type) line.append(": ", ...typeLink(item.type));
  if (item.defaultValue != null) line.append(` = ${item.defaultValue}`);
  const listed = create("li", {}, line, ...notes(item));
  if (item.args?.length) listed.append(create("ul", {}, ...item.args.map(entry)));
  return listed;
}

function typeDetails(type) {
  const details = create(
    "details",
    { id: `type-${type.name}` },
    create("summary", {}, create("b", { textContent: type.name }), ` ${KINDS[type.kind]}`),
    ...notes(type),
  );
  for (const [label, types] of [
    ["Implements", type.interfaces],
    ["Possible types", type.possibleTypes],
  ]) {
    if (!types?.length) continue;
    const links = types.flatMap((each, index) => [index ? ", " : "", ...typeLink(each)]);
    details.append(create("p", {}, `${label}: `, ...links));
  }
  const items = type.fields ?? type.inputFields ?? type.enumValues ?? [];
  if (items.length) details.append(create("ul", {}, ...items.map(entry)));
  details.searched = [type, ...items].map((each) => each.name.toLowerCase());
  return details;
}

function filter() {
  const wanted = byId("filter").value.trim().toLowerCase();
  for (const details of byId("types").querySelectorAll("details")) {
    details.hidden = !details.searched.some((name) => name.includes(wanted));
  }
}

async function loadSchema() {
  const types = byId("types");
  types.textContent = "Loading…";
  try {
    const { answer } = await post({ query: INTROSPECTION });
    if (!answer.data) throw new Error(answer.errors?.[0]?.message ?? "no answer");
    const schema = answer.data.__schema;
    const roots = [schema.queryType, schema.mutationType, schema.subscriptionType].map((root) => root?.name);
    const rank = ({ name }) => (roots.includes(name) ? roots.indexOf(name) : name.startsWith("__") ? 4 : 3);
    const sorted = schema.types.sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name));
    types.replaceChildren(...sorted.map(typeDetails));
    types.firstChild.open = true;
    filter();
  } catch (error) {
    types.textContent = `The schema could not be read: ${error.message}`;
  }
}

byId("filter").addEventListener("input", filter);
byId("reload").addEventListener("click", loadSchema);
loadSchema();
