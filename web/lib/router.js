/**
 * lib/router: the address line as a signal. Links are ordinary links; main.js hands their clicks to go().
 */
import { signal } from '@preact/signals-core';
import { base, within } from './base.js';

/** @typedef {{ path: string, query: URLSearchParams, key: number, moved: 'first' | 'new' | 'back' }} Place */

let counter = history.state?.key ?? Date.now();
history.scrollRestoration = 'manual';
history.replaceState({ key: counter }, '', location.href);

/** @param {Place['moved']} moved @returns {Place} */
function here(moved) {
	return { path: within(location.pathname), query: new URLSearchParams(location.search), key: history.state?.key ?? 0, moved };
}

/** Where we are. */
export const place = signal(here('first'));

/** Called before the page changes, with the key of the place that is left. @type {{ leave: (key: number) => void }} */
export const hooks = { leave: () => {} };

/** @param {string} to @param {{ replace?: boolean }} [how] */
export function go(to, how = {}) {
	hooks.leave(place.peek().key);
	if (how.replace) {
		history.replaceState({ key: place.peek().key }, '', base + to);
	} else {
		history.pushState({ key: ++counter }, '', base + to);
	}
	place.value = here('new');
}

/** One step back, or home when this was the first page. */
export function back() {
	if (place.peek().moved === 'first') {
		go('/', { replace: true });
	} else {
		history.back();
	}
}

addEventListener('popstate', () => {
	hooks.leave(place.peek().key);
	place.value = here('back');
});
