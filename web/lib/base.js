/**
 * lib/base: where the page stands on its host. Behind a proxy that may be below a path (`https://home.example/kith/`); the node writes it in front of the addresses
 * of the page's own files, and they know it from there. Inside the page every address begins at the page's own root.
 */

/** '' or "/kith": what stands before every path on the way to the node. */
export const base = /^https?:\/\/[^/]+(.*?)\/w\/[^/]+\/[^/]+$/.exec(import.meta.url)?.[1] ?? '';

/** A path of the address line as the page calls it. @param {string} path */
export const within = (path) => (path.startsWith(`${base}/`) ? path.slice(base.length) : '/');
