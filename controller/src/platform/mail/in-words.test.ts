import { expect, it } from "vitest";
import { inWords } from "./in-words.ts";

const error = (message: string, facts: object) => Object.assign(new Error(message), facts);

it.each([
  [
    error("Invalid login: 535 5.7.8 no", { code: "EAUTH", response: "535 5.7.8 no", responseCode: 535 }),
    /user and password: 535 5\.7\.8 no$/,
  ],
  [error('Missing credentials for "PLAIN"', { code: "EAUTH" }), /no way of signing in/],
  [error("connect ECONNREFUSED 192.0.2.1:25", { code: "ESOCKET", originalCode: "ECONNREFUSED" }), /connection was refused/],
  [error("self-signed certificate", { code: "ESOCKET", originalCode: "DEPTH_ZERO_SELF_SIGNED_CERT" }), /certificate was not accepted/],
  [error("read ECONNRESET", { code: "ESOCKET", originalCode: "ECONNRESET" }), /closed the connection/],
  [error("getaddrinfo ENOTFOUND mail.example.com", { code: "EDNS" }), /no address.*mail\.example\.com/],
  [error("Greeting never received", { code: "ETIMEDOUT" }), /did not answer in time/],
  [error("Message failed: 451 later", { code: "EMESSAGE", response: "451 later", responseCode: 451 }), /^It answered: 451 later$/],
  ["something else", /^something else$/],
])("says %s in words", (thrown, words) => expect(inWords(thrown)).toMatch(words));
