/**
 * parts/suggest: names while writing "@an". A list beside a plain textarea; the textarea keeps its role and its focus.
 */
import { html, useEffect, useState } from '../lib/html.js';
import { get } from '../lib/api.js';
import { nameOf, shortKey, t } from '../lib/text.js';
import { Avatar } from './avatar.js';

/** The @word that ends at the caret. @param {string} text @param {number} caret */
export function mentionAt(text, caret) {
	const found = /(?:^|[\s([{])@([\p{L}\p{N}_-]{1,30})$/u.exec(text.slice(0, caret));
	return found ? { word: found[1], from: caret - found[1].length - 1 } : null;
}

/**
 * @param {{ id: string, text: string, caret: number, area: { current: HTMLTextAreaElement | null },
 *   keys: { onKey: ((event: KeyboardEvent) => boolean) | null }, onTake: (text: string, caret: number) => void }} props
 */
export function Suggest({ id, text, caret, area, keys, onTake }) {
	const [people, setPeople] = useState(/** @type {import('../lib/state.js').Person[]} */ ([]));
	const [at, setAt] = useState(0);
	const [closedAt, setClosed] = useState(-1);
	const mention = mentionAt(text, caret);
	const word = mention && mention.from !== closedAt ? mention.word : '';

	useEffect(() => {
		if (!word) {
			setPeople([]);
			return undefined;
		}
		const timer = setTimeout(async () => {
			try {
				setPeople((await get(`suggest?q=${encodeURIComponent(word)}`)).people.slice(0, 6));
				setAt(0);
			} catch {
				setPeople([]);
			}
		}, 120);
		return () => clearTimeout(timer);
	}, [word]);

	const isOpen = word !== '' && people.length > 0;

	const pick = (/** @type {import('../lib/state.js').Person} */ person) => {
		if (mention) {
			const name = nameOf(person).replace(/[[\]\\]/g, '');
			const link = `[@${name}](${person.id}) `;
			onTake(text.slice(0, mention.from) + link + text.slice(caret), mention.from + link.length);
		}
	};

	useEffect(() => {
		keys.onKey = !isOpen
			? null
			: (event) => {
					if (event.key === 'ArrowDown' || event.key === 'ArrowUp') {
						setAt((at + (event.key === 'ArrowDown' ? 1 : people.length - 1)) % people.length);
					} else if (event.key === 'Enter' || event.key === 'Tab') {
						pick(people[at]);
					} else if (event.key === 'Escape') {
						setClosed(mention ? mention.from : -1);
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

	return html`<p class="sr" role="status">${isOpen ? t('write.suggest', { n: people.length }) : ''}</p>
		${isOpen &&
		html`<ul class="suggest" id=${id} role="listbox" aria-label=${t('nav.people')}>
			${people.map(
				(person, i) => html`<li key=${person.id} id=${`${id}-${i}`} role="option" aria-selected=${i === at}
					onMouseDown=${(/** @type {Event} */ e) => (e.preventDefault(), pick(person))}>
					<${Avatar} id=${person.id} size="s" /><bdi>${nameOf(person)}</bdi><span class="key8">${shortKey(person.id)}</span>
				</li>`,
			)}
		</ul>`}`;
}
