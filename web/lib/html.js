/**
 * lib/html: the view library, named here and nowhere else. Views and parts import from this file, so that changing the library changes one file.
 */
import { h, render, Fragment } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { effect, signal, batch } from '@preact/signals-core';
import htm from 'htm';

export { render, Fragment, h, signal, batch, effect, useEffect, useLayoutEffect, useMemo, useRef, useState };

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
