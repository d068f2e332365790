export { enrol } from "./enrol.ts";
export { renewExpired } from "./renew-expired.ts";
