/** Colours that a tag can have, by name; grey is that of tags that nobody gave one. The web page knows what they look like. */
export const tagColors = ["grey", "blue", "amber", "teal", "pink", "violet", "cyan", "orange", "olive"] as const;
export type TagColor = (typeof tagColors)[number];
