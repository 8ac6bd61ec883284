import { pick, useGraphiQL } from "@graphiql/react";
import { useState } from "react";

const SIGN_IN = `mutation SignIn($input: SignInInput!) {
  signIn(input: $input) {
    token
    viewer { user { name role } customer { name } }
    errors { message }
  }
}`;

/** Signs in, and answers the token and who one is then. What is refused is thrown, in the server's words. */
async function signIn(endpoint, input) {
  const response = await fetch(endpoint, {
    method: "POST",
    headers: { "Content-Type": "application/json", Accept: "application/graphql-response+json" },
    body: JSON.stringify({ query: SIGN_IN, variables: { input } }),
    credentials: "omit", // the token goes into the headers, where it is seen; no cookie is left
  });
  const { data, errors } = await response.json();
  const refused = errors ?? data.signIn.errors;
  if (refused.length) throw new Error(refused.map(({ message }) => message).join(" "));
  const { token, viewer } = data.signIn;
  const { user, customer } = viewer;
  return { token, who: user ? `${user.name}, ${user.role}` : `${customer.name}, a customer` };
}

/** The headers with other credentials; what cannot be read as JSON is left out. */
function withToken(text, token) {
  let headers = {};
  try {
    headers = JSON.parse(text);
  } catch {
    // an empty or half-written editor
  }
  const others = Object.entries(headers ?? {}).filter(([name]) => name.toLowerCase() !== "authorization");
  return JSON.stringify({ Authorization: `Bearer ${token}`, ...Object.fromEntries(others) }, null, 2);
}

function Icon() {
  return (
    <svg viewBox="0 0 14 14" fill="none" stroke="currentColor" strokeWidth="1.2" aria-hidden="true">
      <circle cx="7" cy="4.5" r="3" />
      <path d="M1.5 13c.6-3 2.7-4.2 5.5-4.2s4.9 1.2 5.5 4.2" />
    </svg>
  );
}

/** A panel that signs in and puts the token where a key would be pasted: into the headers of the tab that is open. */
export function signingInPlugin({ endpoint, workspace, conceal }) {
  function Panel() {
    const { headerEditor } = useGraphiQL(pick("headerEditor"));
    const [told, setTold] = useState("");
    async function submit(event) {
      event.preventDefault();
      setTold("Signing in …");
      try {
        const { token, who } = await signIn(endpoint, Object.fromEntries(new FormData(event.target)));
        conceal(token);
        headerEditor.setValue(withToken(headerEditor.getValue(), token));
        setTold(`Signed in: ${who}. The token is in this tab's headers.`);
      } catch (error) {
        setTold(error.message);
      }
    }
    return (
      <form className="signing-in" onSubmit={submit}>
        <div className="graphiql-doc-explorer-title">Sign in</div>
        <label>
          Workspace <input name="workspace" defaultValue={workspace} required autoComplete="organization" />
        </label>
        <label>
          Address <input name="email" type="email" required autoComplete="username" />
        </label>
        <label>
          Password <input name="password" type="password" required autoComplete="current-password" />
        </label>
        <button className="graphiql-button" type="submit">
          Sign in
        </button>
        <p role="status">{told}</p>
        <p>An API key is used in the same way: paste it after “Bearer ” under Headers.</p>
      </form>
    );
  }
  return { title: "Sign in", icon: Icon, content: Panel };
}
