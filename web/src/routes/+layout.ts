// A static page without a server of its own: everything comes from the API.
export const ssr = false;
export const prerender = false;
