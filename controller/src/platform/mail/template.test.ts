import { expect, it } from "vitest";
import { renderMail } from "./template.ts";

it("says the same in text and HTML, and lets no name become markup", () => {
  const { text, html } = renderMail({
    title: "Join <b>Ops</b>",
    paragraphs: ['Anna "A" & Co invites you.'],
    action: { label: "Join", url: "https://devflow.example/join?a=1&b='2'" },
    facts: [["From", "192.0.2.1"]],
    footer: "Sent by DevFlow",
  });
  expect(text).toContain("Join:\nhttps://devflow.example/join?a=1&b='2'");
  expect(text).toContain("From: 192.0.2.1");
  expect(html).toContain("Join &lt;b&gt;Ops&lt;/b&gt;");
  expect(html).toContain("Anna &quot;A&quot; &amp; Co invites you.");
  expect(html).toContain('href="https://devflow.example/join?a=1&amp;b=&#39;2&#39;"');
  expect(html).not.toMatch(/<b>|<img|<script|src=/);
});
