/**
 * parts/person: rows of people; following, muting, blocking, each with what it does said before; names of one's own, and keys to copy.
 */
import '../lib/lang/en-more.js';
import { html, useRef, useState, useValue } from '../lib/html.js';
import { post, saidOf } from '../lib/api.js';
import { reread } from '../lib/live.js';
import { publish } from '../lib/safety.js';
import { nameOf, nonce, personPath, shortKey, t } from '../lib/text.js';
import { isPaused, me, personOf, refresh, say, status, peopleChanged, take } from '../lib/state.js';
import { ago } from '../lib/time.js';
import { Avatar, Name } from './avatar.js';
import { ask, show } from './dialog.js';

/** @typedef {import('../lib/state.js').Relation} Relation */

/** @param {string} id @param {Relation} is */
export async function relate(id, is) {
	await publish('relation', { id, is, nonce: nonce() });
	const was = personOf(id).peek().i;
	personOf(id).value = { ...personOf(id).peek(), i: is };
	peopleChanged.value++;
	if (was === 'block' || is === 'block') {
		await reread().catch(() => {});
		refresh.value++;
	}
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

/** @param {string} id @param {string} what @param {string[]} keys */
const linesOf = (id, what, keys) => keys.map((key) => t(`${what}.${key}`, { name: nameOf(personOf(id).peek()) }));

/** @param {string} id */
export async function askBlock(id) {
	const name = nameOf(personOf(id).peek());
	const lines = linesOf(id, 'block', ['see', 'keep', 'pass', 'tell', 'undo']);
	if (await askSigned({ title: t('block.title', { name }), lines, action: t('block.do', { name }), danger: true })) {
		await relateAndSay(id, 'block', t('block.done', { name }));
	}
}

/** @param {string} id */
export async function askUnblock(id) {
	const name = nameOf(personOf(id).peek());
	if (await askSigned({ title: t('unblock.title', { name }), lines: linesOf(id, 'unblock', ['see', 'keep', 'tell']), action: t('follow.unblock') })) {
		await relateAndSay(id, 'none', t('unblock.done', { name }));
	}
}

/** @param {string} id */
async function askUnfollow(id) {
	const name = nameOf(personOf(id).peek());
	if (await askSigned({ title: t('unfollow.title', { name }), lines: linesOf(id, 'unfollow', ['see', 'keep', 'tell']), action: t('follow.undo') })) {
		await relateAndSay(id, 'none', '');
	}
}

/** What stays on this node: nothing is signed. @param {string} path @param {any} body @param {string} said */
async function keep(path, body, said) {
	try {
		const answer = await post(path, body);
		const person = answer.person ?? { ...personOf(body.id).peek(), muted: body.on };
		take({ people: [person] });
		peopleChanged.value++;
		if (path === 'mute') {
			await reread().catch(() => {});
			refresh.value++;
		}
		say(said);
	} catch (error) {
		say(saidOf(error));
	}
}

/** @param {string} id */
export async function askMute(id) {
	const name = nameOf(personOf(id).peek());
	if (await ask({ title: t('mute.title', { name }), lines: linesOf(id, 'mute', ['see', 'keep', 'tell', 'end']), action: t('mute.do', { name }) })) {
		await keep('mute', { id, on: true }, t('mute.done', { name }));
	}
}

/** @param {string} id */
export const unmute = (id) => keep('mute', { id, on: false }, t('mute.over', { name: nameOf(personOf(id).peek()) }));

/** @param {{ id: string, close: () => void }} props */
function Petname({ id, close }) {
	const person = personOf(id).peek();
	const [name, setName] = useState(person.petname ?? '');
	const save = (/** @type {string} */ said) => {
		close();
		keep('petname', { id, name: said || null }, said ? t('petname.done', { name: said }) : t('petname.gone'));
	};
	return html`<form onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), save(name.trim()))}>
		<h2 id="dialog-title">${t('petname.title', { name: person.name || shortKey(id) })}</h2>
		<label class="field apart-s"><span>${t('petname.label')}</span>
			<input value=${name} maxlength="64" dir="auto" autocomplete="off" aria-describedby="petname-hint" onInput=${(/** @type {any} */ e) => setName(e.target.value)} /></label>
		<p class="note" id="petname-hint">${t('petname.hint')}</p>
		<div class="dialog-actions">
			<button type="button" class="button" onClick=${() => (person.petname ? save('') : close())}>${t(person.petname ? 'petname.drop' : 'dialog.cancel')}</button>
			<button type="submit" class="button strong">${t('petname.save')}</button>
		</div>
	</form>`;
}

/** @param {string} id */
export const askPetname = (id) => show((close) => html`<${Petname} id=${id} close=${close} />`);

/** The key to be scanned, read or copied. @param {string} id */
export async function showCode(id) {
	const { Code } = await import('./code.js');
	show((close) => html`<h2 id="dialog-title">${t('person.codeTitle', { name: nameOf(personOf(id).peek()) })}</h2>
		<${Code} text=${id} label=${t('person.codeAlt')} />
		<p class="note">${t('person.codeHint')}</p>
		<p class="mono key-whole">${id}</p>
		<div class="dialog-actions"><button type="button" class="button" onClick=${() => copyText(id)}>${t('key.copy')}</button>
			<button type="button" class="button strong" onClick=${close}>${t('dialog.close')}</button></div>`);
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

/** A person in a list, and what to do with them there. @param {{ id: string, said?: string, list?: string }} props */
export function PersonRow({ id, said = '', list = '' }) {
	const person = useValue(personOf(id));
	const name = nameOf(person);
	const isHidden = person.i === 'block' || person.muted;
	const newest = person.newest > 0 ? t('people.newest', { when: ago(person.newest, Date.now()) }) : t('people.nothing');
	const facts = [person.petname && person.name ? t('people.calls', { name: person.name }) : '', person.petname || person.name ? shortKey(id) : '', said || relationOf(person),
		person.muted && list !== 'mutes' ? t('person.isMuted') : '', isHidden ? '' : newest].filter(Boolean);
	return html`<li class="row">
		<a href=${personPath(id)} tabindex="-1" aria-hidden="true"><${Avatar} id=${id} /></a>
		<div class="row-main"><${Name} id=${id} /><p class="row-facts">${facts.join(' · ')}</p></div>
		${list === 'mutes'
			? html`<button type="button" class="button" aria-label=${t('mute.undo', { name })} onClick=${() => unmute(id)}>${t('mute.undoShort')}</button>`
			: html`<${FollowButton} id=${id} />`}
	</li>`;
}

/** Does somebody's name, either one, or key have a word that begins so? @param {string} id @param {string} start */
function isCalled(id, start) {
	const { name, petname } = personOf(id).peek();
	const text = ` ${petname ?? ''} ${name}`.toLowerCase();
	return text.includes(` ${start}`) || id.slice(1).toLowerCase().startsWith(start.replace(/[@\s]/g, ''));
}

const FIND_FROM = 8;

/** @param {{ ids: string[], said?: (id: string) => string, list?: string }} props */
export function PersonList({ ids, said, list }) {
	const [start, setStart] = useState('');
	const looked = start.trim().toLowerCase();
	const shown = looked ? ids.filter((id) => isCalled(id, looked)) : ids;
	return html`${ids.length >= FIND_FROM && html`<div class="find"><input type="search" value=${start} dir="auto" placeholder=${t('people.find')} aria-label=${t('people.find')} autocomplete="off"
			onInput=${(/** @type {any} */ e) => setStart(e.target.value)} />
			<p class="note" role="status">${looked && (shown.length > 0 ? t('people.found', { n: shown.length, all: ids.length }) : t('people.notFound'))}</p></div>`}
		<ul class="rows">${shown.map((id) => html`<${PersonRow} key=${id} id=${id} said=${said?.(id)} list=${list} />`)}</ul>`;
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
