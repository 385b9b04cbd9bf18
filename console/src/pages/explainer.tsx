import type { FormEvent, ReactNode } from "react";
import type { Check, Explanation } from "../api.js";
import { usePolled } from "../data/polled.js";
import { addressOf, go, useQuery } from "../route/route.js";
import { Page } from "../ui/page.js";
import { Panel } from "../ui/panel.js";
import { Answered, Empty, sentence } from "../ui/state.js";

/** Why a user may or may not see a topic: the rules that the core looks at, in its order. */
export function Explainer(): ReactNode {
  const query = useQuery();
  const [user, topic] = [query.get("user") ?? "", query.get("topic") ?? ""];
  const roles = query.get("roles") ?? "";
  const submit = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault();
    const form = new FormData(event.currentTarget);
    const text = (name: string) => String(form.get(name)).trim();
    go(addressOf("/explain", undefined, { user: text("user"), roles: text("roles"), topic: text("topic") }));
  };
  return (
    <Page title="Why can this user not see this?" kicker="Explainer">
      <form className="toolbar explain-form" key={query.toString()} onSubmit={submit}>
        <label>
          User <input name="user" className="input" defaultValue={user} required spellCheck={false} />
        </label>
        <label>
          Roles{" "}
          <input
            name="roles"
            className="input"
            defaultValue={roles}
            placeholder="of the token, if any"
            spellCheck={false}
          />
        </label>
        <label>
          Topic{" "}
          <input
            name="topic"
            className="input input-wide"
            defaultValue={topic}
            required
            placeholder="job:…, session:…, room:news"
            spellCheck={false}
          />
        </label>
        <button type="submit" className="button button-main">
          Explain
        </button>
      </form>
      {user && topic ? (
        <Answer user={user} topic={topic} roles={roles} />
      ) : (
        <Empty title="Name a user and a topic">
          The core is asked as if the user did it now; nothing is changed by it.
        </Empty>
      )}
    </Page>
  );
}

interface AnswerProps {
  readonly user: string;
  readonly topic: string;
  readonly roles: string;
}

function Answer({ user, topic, roles }: AnswerProps): ReactNode {
  const query = { user, topic, roles: roles || undefined };
  const found = usePolled(JSON.stringify(query), (client, signal) =>
    client.request<Explanation>("/explain", { query, signal }),
  );
  return (
    <Answered {...found} what="the answer">
      {({ allowed, code, checks }) => (
        <Panel
          title={`${user} ${allowed ? "may" : "may not"} see ${topic}`}
          className={allowed ? "verdict verdict-good" : "verdict verdict-bad"}
        >
          {code && (
            <p>
              It is refused with <code>{code}</code>.
            </p>
          )}
          <ol className="checks">
            {checks.map((check) => (
              <CheckLine key={check.name} check={check} />
            ))}
          </ol>
        </Panel>
      )}
    </Answered>
  );
}

const OUTCOMES: Readonly<Record<Check["outcome"], string>> = { allows: "Allows", denies: "Denies", passes: "Goes on" };

/** What each rule of the core asks. */
const RULES: Readonly<Record<string, string>> = {
  token: "Was the token revoked?",
  subject: "Were the user’s tokens revoked?",
  registration: "Is the user let in?",
  existence: "Is it there?",
  view: "Is it a log of its own?",
  operator: "Is the user an operator or auditor?",
  owner: "Is it the user’s own?",
  member: "Is the user a member of its project?",
  declaration: "Is the room declared?",
  readers: "Do the room’s readers name the user?",
  otherwise: "Does anything else allow it?",
};

function CheckLine({ check: { name, outcome, detail } }: { readonly check: Check }): ReactNode {
  return (
    <li data-outcome={outcome}>
      <span className="check-outcome">{OUTCOMES[outcome]}</span>
      <span>
        <strong>{RULES[name] ?? sentence(name)}</strong>
        <span className="check-detail">{detail}</span>
      </span>
    </li>
  );
}
