/** What the server put in the page, with defaults for what it left out. */
export function configuration() {
  const element = document.getElementById("rolodesk");
  const given = element ? JSON.parse(element.textContent) : {};
  return { endpoint: "/graphql", headers: {}, tabs: [], workspace: "", ...given };
}
