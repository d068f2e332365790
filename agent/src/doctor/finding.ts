/** One line of the doctor: what was looked at and what was found, and what to do when it is bad. */
export interface Finding {
  readonly ok: boolean;
  readonly text: string;
}

export const fine = (text: string): Finding => ({ ok: true, text });
export const failed = (text: string): Finding => ({ ok: false, text });
