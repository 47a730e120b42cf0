/**
 * lib/lang/de: every word in German: the keys of en and en-more.
 */

/** @type {import('../text.js').Language} */
export default {
	code: 'de',
	dir: 'ltr',
	months: ['Jan.', 'Feb.', 'März', 'Apr.', 'Mai', 'Juni', 'Juli', 'Aug.', 'Sept.', 'Okt.', 'Nov.', 'Dez.'],
	words: {},
};
