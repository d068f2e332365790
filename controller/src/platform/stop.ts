/** Ends what was started; must finish within 10 s. */
export type Stop = () => Promise<void>;
