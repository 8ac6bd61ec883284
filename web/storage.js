const PREFIX = "rolodesk:";
const PLACEHOLDER = "{{Authorization}}";

/**
 * Browser storage for GraphiQL, under names of our own because other projects
 * run on the same localhost port. The history keeps the headers of each query:
 * the authorization the server gave is left out and put back, as it may change;
 * tokens of who signed in are left out for good.
 */
export function createStorage(authorization) {
  const names = () => Object.keys(localStorage).filter((name) => name.startsWith(PREFIX));
  const concealed = new Set();
  const hide = (text) => {
    for (const secret of concealed) text = text.replaceAll(secret, "…");
    return authorization ? text.replaceAll(authorization, PLACEHOLDER) : text;
  };
  const show = (text) => (authorization ? text?.replaceAll(PLACEHOLDER, authorization) : text);
  return {
    getItem: (name) => show(localStorage.getItem(PREFIX + name)) ?? null,
    setItem: (name, value) => localStorage.setItem(PREFIX + name, hide(value)),
    removeItem: (name) => localStorage.removeItem(PREFIX + name),
    conceal: (secret) => concealed.add(secret),
    clear: () => names().forEach((name) => localStorage.removeItem(name)),
    get length() {
      return names().length;
    },
  };
}
