/*
 * Runs before anything is drawn: sets the theme, so that no page ever flashes in the wrong one, and asks for the first screen while the
 * modules are still arriving. Not a module: modules wait for the document.
 */
(function () {
	try {
		var theme = localStorage.getItem('kith.theme');
		var token = localStorage.getItem('kith.token');
		if (theme === 'light' || theme === 'dark') {
			document.documentElement.dataset.theme = theme;
		}
		if (token && location.hash.length < 20) {
			var early = fetch('/api/boot?limit=20', { headers: { 'X-Kith-Token': token } });
			early.catch(function () {});
			Object.assign(window, { kithBoot: early });
		}
	} catch (e) {
		/* No storage: the page works, it only forgets. */
	}
})();
