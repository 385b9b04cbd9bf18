import { createHmac, randomUUID } from "node:crypto";

const SECRET = "a secret of the tests and of nothing else";
/** Settings of a server that demands tokens. */
export const SECURED = { env: { ROOMCAST_JWT_SECRET: SECRET } };

/** A token of HS256, over after so many seconds. */
export function token(sub: string, seconds: number, claims: object = {}): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const now = Math.floor(Date.now() / 1000);
  const head = part({ alg: "HS256", typ: "JWT" });
  const body = part({ sub, iat: now, exp: now + seconds, jti: randomUUID(), ...claims });
  const signature = createHmac("sha256", SECRET).update(`${head}.${body}`).digest("base64url");
  return `${head}.${body}.${signature}`;
}
