/*
 * Runs before anything is drawn: sets colours, size of text and language, so that no page ever flashes in the wrong one, and asks for the first screen while
 * the modules are still arriving. Not a module: modules wait for the document.
 */
(function () {
	var root = document.documentElement;
	var script = /** @type {HTMLScriptElement} */ (document.currentScript);
	/* Where the words of each language are; the build puts it there. English comes with the page. */
	var files = script.dataset;
	/* What stands before every path, when a proxy shows the page below one (lib/base). */
	var base = new URL(script.src).pathname.replace(/\/w\/[^/]+\/[^/]+$/, '');
	/** @type {Record<string, string>} */
	var kept = {};
	try {
		kept = localStorage;
	} catch (e) {
		/* No storage: the page works, it only forgets. */
	}
	/* Two nodes may live on one host, each below its path. */
	var mine = 'kith' + base + '.';
	var theme = kept[mine + 'theme'];
	var size = kept[mine + 'size'];
	var token = kept[mine + 'token'];
	var wanted = [kept[mine + 'lang']].concat(navigator.languages || []);
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
		var early = fetch(base + '/api/boot?limit=20', { headers: { 'X-Kith-Token': token } });
		early.catch(function () {});
		Object.assign(window, { kithBoot: early });
	}
})();
