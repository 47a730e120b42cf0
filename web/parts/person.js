/**
 * parts/person: rows of people, following, unfollowing, blocking, and keys to copy.
 */
import '../lib/lang/en-more.js';
import { html, useRef, useState, useValue } from '../lib/html.js';
import { saidOf } from '../lib/api.js';
import { publish } from '../lib/safety.js';
import { nameOf, nonce, personPath, shortKey, t } from '../lib/text.js';
import { isPaused, me, personOf, say, status, peopleChanged } from '../lib/state.js';
import { ago } from '../lib/time.js';
import { Avatar, Name } from './avatar.js';
import { ask } from './dialog.js';

/** @typedef {import('../lib/state.js').Relation} Relation */

/** @param {string} id @param {Relation} is */
export async function relate(id, is) {
	await publish('relation', { id, is, nonce: nonce() });
	personOf(id).value = { ...personOf(id).peek(), i: is };
	peopleChanged.value++;
}

/** @param {string} id @param {Relation} is @param {string} said */
async function relateAndSay(id, is, said) {
	try {
		await relate(id, is);
		say(said);
	} catch (error) {
		say(saidOf(error));
	}
}

/** A question before something is signed; during a pause it says that nothing is. @param {{ title: string, lines: string[], action: string, danger?: boolean }} what */
const askSigned = (what) => ask(isPaused(status.peek()) ? { ...what, lines: [...what.lines, t('write.paused')], action: t('write.keep') } : what);

/** @param {string} id */
export async function askBlock(id) {
	const name = nameOf(personOf(id).peek());
	const lines = ['block.you', 'block.them', 'block.copies', 'block.undo'].map((key) => t(key, { name }));
	if (await askSigned({ title: t('block.title', { name }), lines, action: t('block.do', { name }), danger: true })) {
		await relateAndSay(id, 'block', t('block.done', { name }));
	}
}

/** @param {string} id */
export async function askUnblock(id) {
	const name = nameOf(personOf(id).peek());
	const lines = ['unblock.you', 'unblock.them'].map((key) => t(key, { name }));
	if (await askSigned({ title: t('unblock.title', { name }), lines, action: t('follow.unblock') })) {
		await relateAndSay(id, 'none', t('unblock.done', { name }));
	}
}

/** @param {string} id */
async function askUnfollow(id) {
	const name = nameOf(personOf(id).peek());
	const lines = ['unfollow.you', 'unfollow.them'].map((key) => t(key, { name }));
	if (await askSigned({ title: t('unfollow.title', { name }), lines, action: t('follow.undo') })) {
		await relateAndSay(id, 'none', '');
	}
}

/** @param {{ id: string }} props */
export function FollowButton({ id }) {
	const person = useValue(personOf(id));
	const node = useValue(status);
	const [isBusy, setBusy] = useState(false);
	const name = nameOf(person);
	if (id === me.peek()) {
		return null;
	}
	const follow = async () => {
		setBusy(true);
		await relateAndSay(id, 'follow', t('follow.done', { name }));
		setBusy(false);
	};
	if (person.i === 'block') {
		return html`<button type="button" class="button" aria-label=${t('follow.unblockAria', { name })} onClick=${() => askUnblock(id)}>${t('follow.unblock')}</button>`;
	}
	if (person.i === 'follow') {
		return html`<button type="button" class="button following" aria-label=${t('follow.isAria', { name })} aria-pressed="true" onClick=${() => askUnfollow(id)}>${t('follow.is')}</button>`;
	}
	return html`<button type="button" class="button strong" aria-label=${t(isPaused(node) ? 'follow.keepAria' : 'follow.aria', { name })} aria-pressed="false" aria-disabled=${isBusy} onClick=${follow}>
		${t(isPaused(node) ? 'write.keep' : person.they === 'follow' ? 'follow.back' : 'follow.do')}
	</button>`;
}

/** What they are to us. @param {import('../lib/state.js').Person} person */
export function relationOf(person) {
	if (person.id === me.peek()) {
		return t('person.you');
	}
	if (person.they === 'block') {
		return t('person.blocksYou');
	}
	if (person.they === 'follow') {
		return t(person.i === 'follow' ? 'person.mutual' : 'person.followsYou');
	}
	return person.hops === 2 ? t('person.friendOf') : '';
}

/** @param {{ id: string }} props */
export function PersonRow({ id }) {
	const person = useValue(personOf(id));
	const newest = person.newest > 0 ? t('people.newest', { when: ago(person.newest, Date.now()) }) : t('people.nothing');
	const facts = [person.name ? shortKey(id) : '', relationOf(person), person.i === 'block' ? '' : newest].filter(Boolean);
	return html`<li class="row">
		<a href=${personPath(id)} tabindex="-1" aria-hidden="true"><${Avatar} id=${id} /></a>
		<div class="row-main"><${Name} id=${id} /><p class="row-facts">${facts.join(' · ')}</p></div>
		<${FollowButton} id=${id} />
	</li>`;
}

/** @param {{ ids: string[] }} props */
export function PersonList({ ids }) {
	return html`<ul class="rows">${ids.map((id) => html`<${PersonRow} key=${id} id=${id} />`)}</ul>`;
}

/** Plain HTTP has no clipboard; then the text is selected, to be copied by hand. @param {string} text @param {HTMLTextAreaElement | null} [field] */
export async function copyText(text, field) {
	try {
		await navigator.clipboard.writeText(text);
		say(t('key.copied'));
		return;
	} catch {
		/* not here */
	}
	const box = field ?? document.createElement('textarea');
	if (!field) {
		box.value = text;
		box.className = 'sr';
		document.body.append(box);
	}
	box.focus();
	box.select();
	const worked = document.execCommand('copy');
	if (!field) {
		box.remove();
	}
	say(t(worked ? 'key.copied' : 'key.select'));
}

/** A text to give away, with a button. @param {{ text: string, label: string, action: string }} props */
export function KeyText({ text, label, action }) {
	const field = useRef(/** @type {HTMLTextAreaElement | null} */ (null));
	return html`<div class="key-text">
		<textarea ref=${field} class="mono" readonly rows=${Math.ceil(text.length / 34)} aria-label=${label} value=${text} spellcheck=${false}
			onFocus=${(/** @type {any} */ e) => e.target.select()}></textarea>
		<button type="button" class="button" onClick=${() => copyText(text, field.current)}>${action}</button>
	</div>`;
}
