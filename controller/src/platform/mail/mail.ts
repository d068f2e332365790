export interface Mail {
  /** One address. */
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  readonly html: string;
}

/** Under which mails are wrapped by the master key. */
export const sealName = "mail";
