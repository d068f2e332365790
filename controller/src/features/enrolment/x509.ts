import "reflect-metadata";
import * as x509 from "@peculiar/x509";

// A module of its own, so that it can be loaded when it is needed: as a whole, what esbuild makes of import() of a
// CommonJS package alone has no names.
export { x509 };
