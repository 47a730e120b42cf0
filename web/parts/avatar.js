/**
 * parts/avatar: a face for each key, from the first second: a 5 × 5 mirrored weave in two hues of the key's own bytes, until there is a picture to show.
 */
import { html, useState, useValue } from '../lib/html.js';
import { blobPath } from '../lib/attached.js';
import { nameOf, personPath, shortKey, t } from '../lib/text.js';
import { me, personOf } from '../lib/state.js';

/** @param {string} id @returns {number[]} the key's first bytes; zeros when it is not one */
function bytesOf(id) {
	try {
		return Array.from(atob(id.slice(1, 13)), (c) => c.charCodeAt(0));
	} catch {
		return [0, 0, 0, 0, 0, 0, 0, 0, 0];
	}
}

/** @param {string} id */
function weave(id) {
	const at = bytesOf(id);
	const hue = Math.round((at[0] * 360) / 256);
	const other = (hue + 60 + Math.round((at[1] * 240) / 256)) % 360;
	const isDark = at[2] & 1;
	const bits = at[3] | (at[4] << 8);
	let path = '';
	for (let cell = 0; cell < 15; cell++) {
		if ((bits >> cell) & 1) {
			const x = cell % 3;
			const y = Math.floor(cell / 3);
			path += `M${x} ${y}h1v1h-1z${x < 2 ? `M${4 - x} ${y}h1v1h-1z` : ''}`;
		}
	}
	const deep = `hsl(${hue} 48% 36%)`;
	const pale = `hsl(${other} 58% 74%)`;
	return { path, ground: isDark ? deep : pale, thread: isDark ? pale : deep };
}

/** @param {{ id: string, size?: 's' | 'm' | 'l' | 'xl' }} props */
export function Weave({ id, size = 'm' }) {
	const { path, ground, thread } = weave(id);
	return html`<svg class=${`avatar avatar-${size}`} viewBox="0 0 5 5" shape-rendering="crispEdges" aria-hidden="true" focusable="false">
		<path fill=${ground} d="M0 0h5v5h-5z" /><path fill=${thread} d=${path} />
	</svg>`;
}

/** @param {{ id: string, size?: 's' | 'm' | 'l' | 'xl' }} props */
export function Avatar({ id, size = 'm' }) {
	const { image, image_have } = useValue(personOf(id));
	const [broken, setBroken] = useState('');
	return image && image_have && image !== broken
		? html`<img class=${`avatar avatar-${size}`} src=${blobPath(image)} alt="" loading="lazy" decoding="async" onError=${() => setBroken(image)} />`
		: html`<${Weave} id=${id} size=${size} />`;
}

/** A person's name, isolated from the direction of the text around it. @param {{ id: string, link?: boolean, key8?: boolean }} props */
export function Name({ id, link = true, key8 = false }) {
	const person = useValue(personOf(id));
	const shown = html`<bdi class=${person.petname || person.name ? '' : 'unnamed'}>${nameOf(person)}</bdi>`;
	return html`${link ? html`<a class="name" href=${personPath(id)}>${shown}</a>` : html`<span class="name">${shown}</span>`}${key8 &&
	person.name &&
	html` <span class="key8">${shortKey(id)}</span>`}`;
}

/** "You" for ourselves, the name for others, as a plain text. @param {string} id */
export function calledBy(id) {
	return id === me.peek() ? t('post.you') : nameOf(personOf(id).peek());
}
