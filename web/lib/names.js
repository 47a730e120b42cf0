/**
 * lib/names: what a browser is called in the list of devices, and codes as people type them.
 */

/** Each browser names those before it as well. @type {[string, string][]} */
const BROWSERS = [['Edg/', 'Edge'], ['OPR/', 'Opera'], ['Vivaldi/', 'Vivaldi'], ['Firefox/', 'Firefox'], ['Chrome/', 'Chrome'], ['Safari/', 'Safari']];
const SYSTEMS = ['Android', 'iPhone', 'iPad', 'Windows', 'Mac OS', 'CrOS', 'Linux'];

/** What this browser is until its owner calls it otherwise: "Firefox, Linux". */
export function browserName() {
	const agent = navigator.userAgent;
	const browser = BROWSERS.find(([part]) => agent.includes(part))?.[1];
	const system = SYSTEMS.find((part) => agent.includes(part));
	return [browser, system].filter(Boolean).join(', ');
}

/** Eight letters and digits that nobody takes for others: no 0, O, 1, I, L. */
const SHORT = /^[A-HJKMNP-Z2-9]{8}$/;
const LONG = /(?:#|^)([0-9A-Za-z_-]{16,64})$/;

/**
 * The code in what was typed or pasted: a short one in any case, with or without dash and spaces, a long one, or a link that ends in either. '' when there is
 * none.
 * @param {string} typed
 */
export function codeIn(typed) {
	const end = typed.trim().replace(/^.*#/, '');
	const short = end.replace(/[\s\p{Pd}]/gu, '').toUpperCase();
	return SHORT.test(short) ? `${short.slice(0, 4)}-${short.slice(4)}` : (LONG.exec(end)?.[1] ?? '');
}

/** Is it a short code but for letters that no code has? @param {string} typed */
export const isMisread = (typed) => /^[0-9A-Z]{8}$/.test(typed.replace(/[\s\p{Pd}]/gu, '').toUpperCase());
