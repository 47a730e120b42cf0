/**
 * lib/sheet: style sheets that only some screens need: fetched with them, once, and waited for, so that nothing is drawn without.
 */

/** @type {Map<string, Promise<void>>} */
const sheets = new Map();

/** Beside the page's own files, wherever those are. A sheet that does not come stops nothing. @param {string} name @returns {Promise<void>} */
export function sheet(name) {
	const found = sheets.get(name) ?? new Promise((resolve) => {
		const link = document.createElement('link');
		link.rel = 'stylesheet';
		link.href = /** @type {HTMLScriptElement} */ (document.querySelector('script[type=module]')).src.replace(/[^/]*$/, `${name}.css`);
		link.onload = () => resolve();
		link.onerror = () => (sheets.delete(name), resolve());
		document.head.append(link);
	});
	sheets.set(name, found);
	return found;
}
