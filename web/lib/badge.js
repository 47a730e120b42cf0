/**
 * lib/badge: the title of the browser's tab and its icon say when something is new.
 */
import { effect, signal } from '@preact/signals-core';
import { unread } from './state.js';

/** What the screen is called. */
export const title = signal('kith');

effect(() => {
	const n = unread.value.activity + (unread.value.private || 0);
	document.title = n > 0 ? `(${n > 99 ? '99+' : n}) ${title.value}` : title.value;
	const icon = /** @type {HTMLLinkElement | null} */ (document.querySelector('link[rel=icon]'));
	const href = icon?.getAttribute('href')?.replace(/icon(-new)?\.svg$/, n > 0 ? 'icon-new.svg' : 'icon.svg');
	if (icon && href !== icon.getAttribute('href')) {
		icon.setAttribute('href', href ?? '');
	}
});
