/**
 * lib/languages: which languages there are, and going over to one. boot.js has chosen before the first screen: what was set in this browser, else the first of
 * the browser's languages that is here.
 */
import { spoken } from './state.js';
import { english, speak } from './text.js';

/** Code, its own name for itself, its words. @type {[string, string, () => Promise<{ default: import('./text.js').Language }>][]} */
export const LANGUAGES = [
	['en', 'English', async () => ({ default: english })],
	['de', 'Deutsch', () => import('./lang/de.js')],
	['es', 'Español', () => import('./lang/es.js')],
];

/** @param {string} code */
export async function choose(code) {
	const found = LANGUAGES.find(([name]) => name === code) ?? LANGUAGES[0];
	const language = (await found[2]()).default;
	speak(language);
	document.documentElement.lang = language.code;
	document.documentElement.dir = language.dir;
	spoken.value = language.code;
}
