/** Loaded with the first passkey and not before: with its parts for every kind of attestation it takes memory. */
export const webauthn = () => import("@simplewebauthn/server");
