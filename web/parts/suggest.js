/**
 * parts/suggest: names after "@an", tags after "#ga", emoji after ":smi". A list beside a plain textarea; the textarea keeps its role and its focus.
 */
import { html, useEffect, useState } from '../lib/html.js';
import { get } from '../lib/api.js';
import { shortKey, t } from '../lib/text.js';
import { Avatar } from './avatar.js';

const ASK_MS = 120;
const MOST = 6;

/**
 * @typedef {{ id: string, put: string, person?: any, said: string, also?: string }} Choice
 * @typedef {{ sigil: string, word: string, from: number }} Begun
 */

/** The @name, #tag or :emoji that ends at the caret. @param {string} text @param {number} caret @returns {Begun | null} */
export function begunAt(text, caret) {
	const found = /(?:^|[\s([{])([@#]([\p{L}\p{N}_-]{1,30})|:([a-z_]{2,20}))$/u.exec(text.slice(0, caret));
	return found ? { sigil: found[1][0], word: found[2] ?? found[3], from: caret - found[1].length } : null;
}

/** What others read is the name that person chose; the name I gave them is mine alone. @param {any} person @returns {Choice} */
function toPerson(person) {
	const name = person.name || shortKey(person.id);
	const own = person.petname || name;
	return { id: person.id, person, put: `[@${name.replace(/[[\]\\]/g, '')}](${person.id}) `, said: own, also: own === name ? '' : name };
}

/** @param {Begun} begun @returns {Promise<Choice[]>} */
async function choicesFor({ sigil, word }) {
	if (sigil === ':') {
		const { emojiFor } = await import('./emoji.js');
		return emojiFor(word).map(({ emoji, name }) => ({ id: name, put: `${emoji} `, said: emoji, also: name }));
	}
	if (sigil === '#') {
		const { tags } = await get(`suggest?tag=${encodeURIComponent(word)}`);
		return (tags ?? []).map((/** @type {any} */ one) => ({ id: one.tag, put: `#${one.tag} `, said: `#${one.tag}`, also: t('write.tagPosts', { n: one.n }) }));
	}
	const { people } = await get(`suggest?q=${encodeURIComponent(word)}`);
	return people.map(toPerson).sort((/** @type {Choice} */ a, /** @type {Choice} */ b) => Number(!a.person.petname) - Number(!b.person.petname));
}

/**
 * @param {{ id: string, text: string, caret: number, area: { current: HTMLTextAreaElement | null },
 *   keys: { onKey: ((event: KeyboardEvent) => boolean) | null }, onTake: (text: string, caret: number) => void }} props
 */
export function Suggest({ id, text, caret, area, keys, onTake }) {
	const [choices, setChoices] = useState(/** @type {Choice[]} */ ([]));
	const [at, setAt] = useState(0);
	const [closedAt, setClosed] = useState(-1);
	const begun = begunAt(text, caret);
	const key = begun && begun.from !== closedAt ? begun.sigil + begun.word : '';

	useEffect(() => {
		if (!key || !begun) {
			setChoices([]);
			return undefined;
		}
		let isOver = false;
		const show = (/** @type {Choice[]} */ list) => {
			if (!isOver) {
				setChoices(list.slice(0, MOST));
				setAt(0);
			}
		};
		const timer = setTimeout(() => choicesFor(begun).then(show, () => show([])), ASK_MS);
		return () => {
			isOver = true;
			clearTimeout(timer);
		};
	}, [key]);

	const isOpen = key !== '' && choices.length > 0;

	const pick = (/** @type {Choice} */ one) => {
		if (begun) {
			onTake(text.slice(0, begun.from) + one.put + text.slice(caret), begun.from + one.put.length);
		}
	};

	useEffect(() => {
		keys.onKey = !isOpen
			? null
			: (event) => {
					if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
						setAt((at + (event.key === 'ArrowDown' ? 1 : choices.length - 1)) % choices.length);
					} else if ((event.key === 'Enter' && !event.ctrlKey && !event.metaKey) || (event.key === 'Tab' && !event.shiftKey)) {
						pick(choices[at]);
					} else if (event.key === 'Escape') {
						setClosed(begun ? begun.from : -1);
					} else {
						return false;
					}
					return true;
				};
		if (isOpen) {
			area.current?.setAttribute('aria-controls', id);
			area.current?.setAttribute('aria-activedescendant', `${id}-${at}`);
		} else {
			area.current?.removeAttribute('aria-controls');
			area.current?.removeAttribute('aria-activedescendant');
		}
		return () => {
			keys.onKey = null;
		};
	});

	return html`<p class="sr" role="status">${isOpen ? t('write.suggest', { n: choices.length }) : ''}</p>
		${isOpen &&
		html`<ul class="suggest" id=${id} role="listbox" aria-label=${t('write.suggestLabel')}>
			${choices.map(
				(one, i) => html`<li key=${one.id} id=${`${id}-${i}`} role="option" aria-selected=${i === at}
					onPointerDown=${(/** @type {Event} */ e) => e.preventDefault()} onMouseDown=${(/** @type {Event} */ e) => e.preventDefault()} onClick=${() => pick(one)}>
					${one.person ? html`<${Avatar} id=${one.id} size="s" />` : null}<bdi>${one.said}</bdi>${one.also && html`<span class="note"><bdi>${one.also}</bdi></span>`}
					${one.person && html`<span class="key8">${shortKey(one.id)}</span>`}
				</li>`,
			)}
		</ul>`}`;
}
