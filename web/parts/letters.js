/**
 * parts/letters: what the screens of private words share: who is in a conversation and how that is said, faces of several, who can read it, a row of the list,
 * and how one begins.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useRef, useState, useValue } from '../lib/html.js';
import { get, post } from '../lib/api.js';
import { listOf, nameOf, shortKey, t } from '../lib/text.js';
import { isKnownPerson, me, peopleChanged, personOf, take, twinsOf } from '../lib/state.js';
import { go } from '../lib/router.js';
import { Avatar, Name } from './avatar.js';
import { Icon, IconButton, Time, useAct } from './bits.js';
import { show } from './dialog.js';

/**
 * @typedef {{ id: string, readers: string[], at: number, unread: number, last: { author: string, text: string, cw?: string | null, at: number } | null, is_request: boolean, root: string | null,
 *   limit_left: number }} Conversation
 */

/** Besides ourselves: what every client of this network can write. */
export const OTHERS_MAX = 6;

/** @param {string[]} readers */
export const othersOf = (readers) => readers.filter((id) => id !== me.peek());

/** A stranger, and one of two with the same name, come with a part of their key: nobody passes for somebody else. @param {string} id */
export function calledFully(id) {
	const person = personOf(id).peek();
	const isSure = !person.petname && !person.name ? true : person.i === 'follow' && twinsOf(person).length === 0;
	return isSure || id === me.peek() ? nameOf(person) : `${nameOf(person)} (${shortKey(id)})`;
}

/** Everybody else in it, by name. @param {string[]} readers @param {number} [most] */
export function namesOf(readers, most = OTHERS_MAX) {
	const others = othersOf(readers);
	if (others.length === 0) {
		return t('private.self');
	}
	const names = others.map(calledFully);
	return names.length > most ? listOf(names.slice(0, most), names.length) : names.length < 3 ? listOf(names) : t('list.and', { names: names.slice(0, -1).join(', '), last: names[names.length - 1] });
}

/** To the conversation with exactly these people, begun or not. @param {string[]} ids */
export async function writeTo(ids) {
	const { conversation } = await post('private', { with: ids });
	go(`/private/${conversation.id}`);
}

/** @param {{ ids: string[] }} props */
export function Faces({ ids }) {
	const shown = ids.slice(0, 3);
	return html`<span class=${`heads heads-${Math.max(1, shown.length)}`} aria-hidden="true">${shown.length > 0
		? shown.map((id) => html`<${Avatar} key=${id} id=${id} size=${shown.length > 1 ? 's' : 'm'} />`)
		: html`<${Avatar} id=${me.peek()} />`}</span>`;
}

/** Who can read it: a face, a name and a key for each. @param {{ readers: string[], said: string[], isProven?: boolean }} what */
export const showReaders = ({ readers, said }) =>
	show((close) => html`<h2 id="dialog-title">${t('readers.title', { n: readers.length })}</h2>
		<ul class="readers">${[me.peek(), ...othersOf(readers)].map((id) => html`<li key=${id}><${Avatar} id=${id} size="s" /><${Name} id=${id} /> ${id === me.peek() && html`<span class="note">${t('person.you')}</span>`}<span class="key8">${shortKey(id)}</span></li>`)}</ul>
		${said.map((line) => html`<p class="note apart-s" key=${line}>${line}</p>`)}
		<div class="dialog-actions"><button type="button" class="button" onClick=${close}>${t('dialog.close')}</button></div>`);

/** What was said last. @param {{ one: Conversation }} props */
function Last({ one }) {
	if (!one.last) {
		return html`<p class="letter-last">${t('private.nothing')}</p>`;
	}
	const { author, cw } = one.last;
	const text = cw ? t('post.warning', { cw }) : one.last.text.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[*_`#>]+/g, '').trim();
	const isPair = othersOf(one.readers).length < 2;
	const who = author === me.peek() ? t('private.you') : isPair ? '' : nameOf(personOf(author).peek());
	return html`<p class="letter-last" dir="auto">${who ? t('private.says', { who, text: text || t('private.wordless') }) : text || t('private.wordless')}</p>`;
}

/** @param {{ one: Conversation, isCurrent?: boolean }} props */
export function Row({ one, isCurrent = false }) {
	useValue(peopleChanged);
	const href = `/private/${one.id}`;
	const open = (/** @type {any} */ event) => event.target.closest('a, button') || go(href);
	return html`<article class=${`letter-row${one.unread > 0 ? ' is-unread' : ''}${isCurrent ? ' is-current' : ''}`} data-id=${one.id} tabindex="-1" aria-labelledby=${`c-${one.id}`} onClick=${open}>
		<${Faces} ids=${othersOf(one.readers)} />
		<header><h2 id=${`c-${one.id}`}><bdi>${namesOf(one.readers, 3)}</bdi>${one.unread > 0 && html`<span class="sr">, ${t('private.unread', { n: one.unread })}</span>`}</h2><${Time} at=${one.at} href=${href} /></header>
		<${Last} one=${one} />
		${one.unread > 0 && html`<span class="nav-new" aria-hidden="true">${one.unread > 99 ? '99+' : one.unread}</span>`}
	</article>`;
}

const ASK_MS = 120;
const KEY = /@?([A-Za-z0-9+/]{43}=)(?:\.ed25519)?/;

/** People whose name begins so, or whose key this is. @param {string} text @returns {Promise<string[]>} */
async function find(text) {
	const key = KEY.exec(text)?.[1];
	if (key) {
		const id = `@${key}.ed25519`;
		take({ people: [(await get(`person/${key.slice(0, 43).replace(/\+/g, '-').replace(/\//g, '_')}`)).person] });
		return [id];
	}
	const { people } = await get(`suggest?q=${encodeURIComponent(text.replace(/^@/, '').slice(0, 60))}`);
	take({ people });
	return people.map((/** @type {any} */ one) => one.id);
}

/** Names to be written to, with their faces: the field, what it offers, who is chosen, and how many there may be. */
export function Start() {
	const [chosen, setChosen] = useState(/** @type {string[]} */ ([]));
	const [text, setText] = useState('');
	const [found, setFound] = useState(/** @type {{ text: string, ids: string[] } | null} */ (null));
	const [at, setAt] = useState(0);
	const [isClosed, setClosed] = useState(false);
	const { act, isBusy, error } = useAct();
	const field = useRef(/** @type {HTMLInputElement | null} */ (null));
	const wanted = text.trim();
	useEffect(() => {
		let isOver = false;
		const show = (/** @type {string[]} */ ids) => {
			if (!isOver) {
				setFound({ text: wanted, ids });
				setAt(0);
				setClosed(false);
			}
		};
		const timer = wanted ? setTimeout(() => find(wanted).then(show, () => show([])), ASK_MS) : 0;
		if (!wanted) {
			setFound(null);
		}
		return () => {
			isOver = true;
			clearTimeout(timer);
		};
	}, [wanted]);
	const offered = (wanted && !isClosed && found?.ids.filter((id) => id !== me.peek() && !chosen.includes(id) && personOf(id).peek().i !== 'block')) || [];
	const isFull = chosen.length >= OTHERS_MAX;
	const pick = (/** @type {string} */ id) => {
		setChosen([...chosen, id]);
		setText('');
		setFound(null);
		field.current?.focus();
	};
	const drop = (/** @type {string} */ id) => {
		setChosen(chosen.filter((one) => one !== id));
		setTimeout(() => field.current?.focus(), 0);
	};
	const begin = () => chosen.length > 0 && act(() => writeTo(chosen));
	const onKey = (/** @type {KeyboardEvent} */ event) => {
		if (event.isComposing) {
			return;
		}
		if ((event.key === 'ArrowDown' || event.key === 'ArrowUp') && offered.length > 0) {
			setAt((at + (event.key === 'ArrowDown' ? 1 : offered.length - 1)) % offered.length);
		} else if (event.key === 'Enter' && offered.length > 0) {
			pick(offered[at]);
		} else if (event.key === 'Enter' && !wanted) {
			begin();
		} else if (event.key === 'Escape') {
			if (offered.length > 0) {
				setClosed(true);
			} else {
				field.current?.blur();
			}
		} else if (event.key === 'Backspace' && text === '' && chosen.length > 0) {
			drop(chosen[chosen.length - 1]);
		} else {
			return;
		}
		event.preventDefault();
	};
	const isNobody = wanted !== '' && found?.text === wanted && found.ids.length === 0;
	const names = namesOf(chosen, 2);
	return html`<form class="start" onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), begin())}>
		<div class="start-box">
			<label for="start-to">${t('private.to')}</label>
			${chosen.map((id) => html`<span class="to" key=${id}><${Avatar} id=${id} size="s" /><bdi>${calledFully(id)}</bdi><${IconButton} icon="close" label=${t('private.drop', { name: nameOf(personOf(id).peek()) })} onClick=${() => drop(id)} /></span>`)}
			${!isFull && html`<input id="start-to" ref=${field} type="text" role="combobox" dir="auto" autocomplete="off" autocapitalize="none" spellcheck=${false} aria-expanded=${offered.length > 0} aria-controls="start-list"
				aria-autocomplete="list" aria-activedescendant=${offered.length > 0 ? `start-${at}` : undefined} aria-describedby="start-hint" placeholder=${chosen.length > 0 ? t('private.more') : t('private.toPlace')}
				value=${text} onInput=${(/** @type {any} */ e) => setText(e.target.value)} onKeyDown=${onKey} />`}
		</div>
		<ul class="suggest" id="start-list" role="listbox" aria-label=${t('write.suggestLabel')} hidden=${offered.length === 0}>
			${offered.map((id, i) => html`<li key=${id} id=${`start-${i}`} role="option" aria-selected=${i === at} onPointerDown=${(/** @type {Event} */ e) => e.preventDefault()}
				onMouseDown=${(/** @type {Event} */ e) => e.preventDefault()} onClick=${() => pick(id)}><${Avatar} id=${id} size="s" /><bdi>${nameOf(personOf(id).peek())}</bdi>
				${personOf(id).peek().i === 'follow' && html`<span class="note">${t('follow.is')}</span>`}<span class="key8">${shortKey(id)}</span></li>`)}
		</ul>
		<p class="sr" role="status">${offered.length > 0 ? t('write.suggest', { n: offered.length }) : ''}</p>
		${isNobody && html`<p class="note" role="status">${t('private.nobody')}</p>`}
		<div class="start-do"><p class="note" id="start-hint" role="status">${t(isFull ? 'private.full' : chosen.length > 0 ? 'private.left' : 'private.limit', { n: OTHERS_MAX - chosen.length })}</p>
			${chosen.length > 0 && html`<button type="submit" class="button strong" aria-disabled=${isBusy}><${Icon} name="lock" />${t('private.begin', { names })}</button>`}</div>
		${error && html`<p class="slip" role="alert">${error}</p>`}
	</form>`;
}

/** Names in a text that leads to people who are not among the readers. @param {string} text @param {string[]} readers @returns {string[]} */
export function outsidersIn(text, readers) {
	const ids = [...text.matchAll(/\]\((@[A-Za-z0-9+/]{43}=\.ed25519)\)/g)].map(([, id]) => id);
	return [...new Set(ids)].filter((id) => id !== me.peek() && !readers.includes(id));
}

/** Whoever is mentioned and cannot read it. @param {{ text: string, readers: string[] }} props */
export function Outsiders({ text, readers }) {
	const ids = outsidersIn(text, readers);
	useEffect(() => {
		ids.filter((id) => !isKnownPerson(id)).slice(0, 4).forEach((id) => get(`person/${id.slice(1, 44).replace(/\+/g, '-').replace(/\//g, '_')}`).then((answer) => take({ people: [answer.person] }), () => {}));
	}, [ids.join()]);
	return html`<div role="status">${ids.length > 0 && html`<p class="note warn-note"><${Icon} name="warn" />${t('private.outsiders', { n: ids.length, names: listOf(ids.map((id) => nameOf(personOf(id).peek()))) })}</p>`}</div>`;
}
