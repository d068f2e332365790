#!/usr/bin/env node
// The command of a checkout; an installed one is the bundle alone. By address, since packages import no scripts.
await import(new URL("../../../scripts/devflow.mjs", import.meta.url).href);
