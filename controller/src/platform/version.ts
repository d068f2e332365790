import controller from "../../package.json" with { type: "json" };

/** Version of this controller, as in its package.json. */
export const version: string = controller.version;
