/**
 * lib/lang/es: every word in Spanish: the keys of en and en-more.
 */

/** @type {import('../text.js').Language} */
export default {
	code: 'es',
	dir: 'ltr',
	months: ['ene', 'feb', 'mar', 'abr', 'may', 'jun', 'jul', 'ago', 'sept', 'oct', 'nov', 'dic'],
	words: {},
};
