export interface MailText {
  readonly title: string;
  /** Plain text, a paragraph each. */
  readonly paragraphs: readonly string[];
  /** A button; its address stands in the text too. */
  readonly action?: { readonly label: string; readonly url: string };
  /** Facts in two columns, for example when and from where. */
  readonly facts?: readonly (readonly [string, string])[];
  /** Small print; default none. */
  readonly footer?: string;
}

const escapes: Record<string, string> = { "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;" };
const escape = (text: string) => text.replaceAll(/[&<>"']/g, (c) => escapes[c]!);

/** One look for all mails: text for every reader, HTML with styles inline since mail programs drop style sheets. No images, nothing is loaded. */
export function renderMail({ title, paragraphs, action, facts = [], footer }: MailText): { text: string; html: string } {
  const text = [
    title,
    ...paragraphs,
    ...(action === undefined ? [] : [`${action.label}:\n${action.url}`]),
    ...(facts.length === 0 ? [] : [facts.map(([name, value]) => `${name}: ${value}`).join("\n")]),
    ...(footer === undefined ? [] : [`-- \n${footer}`]),
  ].join("\n\n");
  const p = (inner: string, style = "") => `<p style="margin:0 0 16px;${style}">${inner}</p>`;
  const rows = facts.map(
    ([name, value]) =>
      `<tr><td style="padding:4px 16px 4px 0;color:#6b7280;vertical-align:top">${escape(name)}</td><td style="padding:4px 0">${escape(value)}</td></tr>`,
  );
  const html = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><meta name="color-scheme" content="light dark"><title>${escape(title)}</title></head>
<body style="margin:0;padding:24px;background:#f4f5f7;color:#111827;font:15px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,sans-serif">
<div style="max-width:520px;margin:0 auto;padding:28px;background:#ffffff;border:1px solid #e5e7eb;border-radius:8px">
<p style="margin:0 0 20px;font-weight:600;color:#6b7280">DevFlow</p>
<h1 style="margin:0 0 16px;font-size:19px;line-height:1.3">${escape(title)}</h1>
${paragraphs.map((paragraph) => p(escape(paragraph))).join("\n")}
${action === undefined ? "" : p(`<a href="${escape(action.url)}" style="display:inline-block;padding:10px 18px;background:#1d4ed8;color:#ffffff;text-decoration:none;border-radius:6px;font-weight:600">${escape(action.label)}</a>`) + p(`Or open this address: <span style="word-break:break-all">${escape(action.url)}</span>`, "font-size:13px;color:#6b7280")}
${rows.length === 0 ? "" : `<table style="margin:0 0 16px;border-collapse:collapse;font-size:14px">${rows.join("")}</table>`}
${footer === undefined ? "" : `<p style="margin:20px 0 0;padding-top:16px;border-top:1px solid #e5e7eb;font-size:13px;color:#6b7280">${escape(footer)}</p>`}
</div></body></html>
`;
  return { text, html };
}
