/** Known from breaches at twelve characters and above, in lower case and without digits or signs at the ends. */
const common = new Set(
  `passwordpassword mypasswordis mysecurepassword thisismypassword changeme changemenow letmein letmeinplease iloveyou iloveyousomuch
  qwertyuiop qwertyuiopasdfghjkl asdfghjkl zxcvbnm qwertyasdfgh qazwsxedcrfv welcometothejungle administrator superadministrator
  superman spiderman batmanbatman startrek starwars starwarsfan manchesterunited liverpoolfc barcelona realmadrid chelsea arsenal
  princess princessprincess sunshine sunshinesunshine football basketball baseball trustno letmeinletmein monkeymonkey dragondragon
  masterkey masterpassword rootroot rootpassword adminadmin adminpassword administratorpassword defaultpassword defaultdefault
  testtest testpassword temporary temporarypassword passphrase supersecret supersecretpassword topsecret secretsecret
  correcthorsebatterystaple whatever whateverwhatever blinkblink christmas unbelievable relationship international development
  production staging serverserver devflow devflowdevflow devflowpassword devflowadmin welcome welcomewelcome hellohello helloworld
  abcdefghijkl abcdefghijklm abcdefghijklmnop passw0rdpassw0rd p@ssw0rdp@ssw0rd password password1234 pa55word pa55wordpa55word p@ssword
  p@ssw0rd passw0rd companypassword companyname monitoring infrastructure summer winter spring autumn`.split(/\s+/),
);

const rows = ["1234567890", "0987654321", "qwertyuiop", "qwertzuiop", "asdfghjkl", "zxcvbnm", "yxcvbnm", "abcdefghijklmnopqrstuvwxyz"];
const runs = rows.flatMap((row) => [row + row, (row + row).split("").toReversed().join("")]);

/** Characters that are left when each run of four or more keyboard or alphabet neighbours counts as one. */
function withoutRuns(text: string): number {
  let left = 0;
  for (let i = 0; i < text.length; left++) {
    let length = 1;
    while (i + length < text.length && runs.some((run) => run.includes(text.slice(i, i + length + 1)))) length++;
    i += length >= 4 ? length : 1;
  }
  return left;
}

/** Whether the whole is one short piece again and again. */
function repeats(text: string): boolean {
  for (let size = 1; size <= text.length / 2; size++)
    if (
      text
        .slice(0, size)
        .repeat(Math.ceil(text.length / size))
        .startsWith(text)
    )
      return true;
  return false;
}

/**
 * Why a password is too easy to guess, or null. Length (12) is the schema's; there are no rules about kinds of
 * characters, which make passwords worse (NIST SP 800-63B, 3.1.1.2).
 * @param about what it must not be made of: name and e-mail address
 */
export function weakness(password: string, about: { readonly name: string; readonly email: string }): string | null {
  const text = password.normalize("NFKC").toLowerCase();
  const letters = text.replaceAll(/[^\p{L}\p{N}]/gu, "");
  if (new Set(text).size < 5) return "it has fewer than five different characters";
  if (repeats(text)) return "it is one piece repeated";
  if (withoutRuns(letters) < 8) return "it is a row of neighbouring keys, letters or figures";
  const core = text.replaceAll(/^[^\p{L}]+|[^\p{L}]+$/gu, "");
  if (common.has(core) || common.has(text) || (core.length >= 6 && common.has(core.replaceAll(/[^a-z]/g, "")) && !/[ -]/.test(core)))
    return "it is one of the most common ones";
  const [local = "", domain = ""] = about.email.toLowerCase().split("@");
  const own = [local, ...local.split(/[._+-]/), domain.split(".").at(-2) ?? "", ...about.name.toLowerCase().split(/\s+/)];
  const found = own.find((part) => part.length >= 4 && letters.includes(part.replaceAll(/[^\p{L}\p{N}]/gu, "")));
  if (found !== undefined) return "it holds a part of your name or e-mail address";
  return null;
}
