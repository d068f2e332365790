import fc, { type Arbitrary } from "fast-check";

/** Text that something on the way may take for more than text. */
export const hostileTexts: readonly string[] = [
  "",
  " ",
  "\0",
  "a\0b",
  "\ud800",
  "a\udfffb",
  "\u202egnp.exe",
  "\ufeff",
  "\u{10ffff}\uffff",
  "e\u0301".repeat(40),
  "👩‍👩‍👧‍👦🏴‍☠️",
  "\r\nSet-Cookie: a=b\r\n\r\n",
  "\u001b[31m\u0007\u0008\u007f\u0085\u2028\u2029",
  "' or '1'='1",
  "'; drop table users; --",
  '" union select null, password from accounts --',
  "1); select pg_sleep(10); --",
  "%' escape '!",
  "\\",
  "\\\\0' or 1=1",
  "%",
  "_",
  "$(sleep 9)",
  "`sleep 9`",
  "; sleep 9 #",
  "|| sleep 9",
  "-oProxyCommand=sleep",
  "../../../../etc/passwd",
  "..%2f..%2fetc%2fpasswd",
  "/dev/zero",
  "<script>alert(1)</script>",
  '"><img src=x onerror=alert(1)>',
  "{{7*7}}${7*7}#{7*7}",
  "__proto__",
  "constructor",
  "toString",
  "hasOwnProperty",
  "null",
  "undefined",
  "NaN",
  "true",
  "0",
  "-1",
  "1e309",
  "9007199254740993",
  "0x10",
  "00000000-0000-0000-0000-000000000000",
  "00000000-0000-4000-8000-000000000000",
  "FFFFFFFF-FFFF-4FFF-BFFF-FFFFFFFFFFFF",
  "2026-02-30T25:61:61Z",
  "-271821-04-20T00:00:00.000Z",
  "+275760-09-13T00:00:00.000Z",
  "0000-01-01T00:00:00Z",
  "9999-12-31T23:59:59.999999999Z",
  "a@b",
  '"a b"@example.com',
  "a@xn--80ak6aa92e.com",
  "javascript:alert(1)",
  "file:///etc/passwd",
  "http://127.0.0.1:1/",
  "http://[::1]:1/",
  "http://169.254.169.254/latest/meta-data/",
  "http://user:pass@localhost:1/",
  "https://example.com:99999/",
  "gopher://127.0.0.1:1/",
  "*",
  "organization",
  "owner",
  "x".repeat(101),
  "x".repeat(300),
  "ﷺ".repeat(5_000),
  "a".repeat(60_000),
];

export const hostileNumbers: readonly number[] = [
  0,
  -0,
  -1,
  1,
  0.5,
  1e-320,
  1e21,
  1e308,
  -1e308,
  2 ** 31 - 1,
  2 ** 31,
  -(2 ** 31) - 1,
  2 ** 32,
  2 ** 53 - 1,
  2 ** 53,
  -(2 ** 53),
  2 ** 63,
  2 ** 64,
];

/** Names of fields that objects have anyway. */
export const hostileNames: readonly string[] = [
  "__proto__",
  "constructor",
  "prototype",
  "toString",
  "toJSON",
  "then",
  "",
  "\ud800",
  "a".repeat(5_000),
  "id",
  "organizationId",
  "role",
  "installationAdministrator",
];

export const hostileText: Arbitrary<string> = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...hostileTexts) },
  { weight: 1, arbitrary: fc.string({ unit: "binary", maxLength: 200 }) },
);

/** Objects with an own "__proto__", as JSON.parse makes them and as literals cannot. */
const withName = (name: string, value: unknown): object =>
  Object.defineProperty({}, name, { value, enumerable: true, configurable: true, writable: true });

const nested = (depth: number): unknown => {
  let value: unknown = 1;
  for (let i = 0; i < depth; i += 1) value = i % 2 === 0 ? [value] : { a: value };
  return value;
};

/** A value of any JSON type, none of them friendly. */
export const hostileValue: Arbitrary<unknown> = fc.oneof(
  { weight: 6, arbitrary: hostileText },
  { weight: 3, arbitrary: fc.constantFrom(...hostileNumbers) },
  { weight: 2, arbitrary: fc.constantFrom<unknown>(null, true, false, [], {}, [[]], [null], [{}]) },
  {
    weight: 2,
    arbitrary: fc
      .tuple(fc.constantFrom(...hostileNames), fc.constantFrom<unknown>({ admin: true }, "x", null, 1))
      .map(([n, v]) => withName(n, v)),
  },
  { weight: 1, arbitrary: fc.constantFrom(10, 100, 3_000).map(nested) },
  { weight: 1, arbitrary: fc.constantFrom(101, 5_000).map((n) => Array.from({ length: n }, (_, i) => i)) },
  { weight: 2, arbitrary: fc.jsonValue({ maxDepth: 3 }) },
);

/** Bodies that are no JSON, or only nearly. Latin-1 text stands for bytes. */
export const hostileBytes: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "{",
    "nul",
    '{"a":1,}',
    '{"name":"a","name":"b"}',
    "[".repeat(50_000),
    '{"a":'.repeat(20_000),
    '"\\ud800"',
    '{"name":"\\u0000"}',
    "\xff\xfe{\0}\0",
    "\xef\xbb\xbf{}",
    '{"name":"\xc3\x28"}',
    "\x1f\x8b\x08\x00",
    `{"name":"${"\\\\".repeat(200_000)}"}`,
    `{"name":"${"x".repeat(1_100_000)}"}`,
    "1e999",
    "-",
    "",
    "\0".repeat(1_000),
  ),
  fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
);

/** What may stand in a path where an id is expected, as it goes over the wire. */
export const hostileSegment: Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    "%",
    "%ff",
    "%00",
    "%2e%2e",
    "..",
    "..%2f..",
    "%c0%af",
    "%ud800",
    "a%0d%0ab",
    "%7b%7d",
    ";",
    "*",
    "-",
    "~",
    "%25",
    "a".repeat(4_000),
    "me",
    "null",
    "summary",
  ),
  hostileText.map((text) => encodeURIComponent(text.toWellFormed()).slice(0, 4_000)),
);
