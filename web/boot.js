/*
 * Runs before anything is drawn: sets colours, size of text and language, so that no page ever flashes in the wrong one, and asks for the first screen while
 * the modules are still arriving. Not a module: modules wait for the document.
 */
(function () {
	var root = document.documentElement;
	/* Where the words of each language are; the build puts it there. English comes with the page. */
	var files = /** @type {HTMLElement} */ (/** @type {unknown} */ (document.currentScript)).dataset;
	/** @type {Record<string, string>} */
	var kept = {};
	try {
		kept = localStorage;
	} catch (e) {
		/* No storage: the page works, it only forgets. */
	}
	var theme = kept['kith.theme'];
	var size = kept['kith.size'];
	var token = kept['kith.token'];
	var wanted = [kept['kith.lang']].concat(navigator.languages || []);
	if (theme === 'light' || theme === 'dark') {
		root.dataset.theme = theme;
	}
	if (size === 'large' || size === 'huge') {
		root.dataset.size = size;
	}
	for (var i = 0; i < wanted.length; i++) {
		var code = String(wanted[i]).slice(0, 2).toLowerCase();
		if (code === 'en' || files[code]) {
			root.lang = code;
			break;
		}
	}
	if (files[root.lang]) {
		var link = document.createElement('link');
		link.rel = 'modulepreload';
		link.href = String(files[root.lang]);
		document.head.append(link);
	}
	if (token && location.hash.length < 20) {
		var early = fetch('/api/boot?limit=20', { headers: { 'X-Kith-Token': token } });
		early.catch(function () {});
		Object.assign(window, { kithBoot: early });
	}
})();
