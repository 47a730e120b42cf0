/**
 * lib/html: the view library, named here and nowhere else. Views and parts import from this file, so that changing the library changes one file.
 */
import { h, options, render, Fragment } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { effect, signal, batch } from '@preact/signals-core';
import htm from 'htm';
import { base } from './base.js';

export { render, Fragment, h, signal, batch, effect, useEffect, useLayoutEffect, useMemo, useRef, useState };

/* Below a path: what leads somewhere on the page is written from the page's root, and its element gets the whole address. */
if (base) {
	options.vnode = ({ type, props }) => {
		for (const name of typeof type === 'string' ? ['href', 'src'] : []) {
			const to = /** @type {any} */ (props)[name];
			if (typeof to === 'string' && to.startsWith('/')) {
				/** @type {any} */ (props)[name] = base + to;
			}
		}
	};
}

/** Template literals to elements. Values become text or properties, never markup. */
export const html = htm.bind(h);

/**
 * A signal's value, redrawing the caller (and only the caller) when it changes.
 * @template T
 * @param {{ value: T, peek(): T }} source
 * @returns {T}
 */
export function useValue(source) {
	const [, redraw] = useState(0);
	const drawn = source.peek();
	useLayoutEffect(() => {
		let last = drawn;
		return effect(() => {
			const value = source.value;
			if (value !== last) {
				last = value;
				redraw((n) => n + 1);
			}
		});
	}, [source]);
	return drawn;
}
