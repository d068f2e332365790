/** Loaded with the first sign-in by a provider and not before: memory that a controller without one never needs. */
export const openid = () => import("openid-client");
