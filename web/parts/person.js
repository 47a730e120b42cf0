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
import { Icon } from './bits.js';
import { ask, show } from './dialog.js';

/** @typedef {import('../lib/state.js').Relation} Relation */

/** `isPrivate`: sealed to ourselves, so that nobody can read it in our feed. @param {string} id @param {Relation} is @param {boolean} [isPrivate] */
export async function relate(id, is, isPrivate = false) {
	await publish('relation', { id, is, nonce: nonce(), ...(isPrivate ? { private: true } : {}) });
	const was = personOf(id).peek().i;
	personOf(id).value = { ...personOf(id).peek(), i: is, i_private: isPrivate && is !== 'none' };
	peopleChanged.value++;
	if (was === 'block' || is === 'block') {
		await reread().catch(() => {});
		refresh.value++;
	}
}

/** @param {string} id @param {Relation} is @param {string} said @param {boolean} [isPrivate] */
async function relateAndSay(id, is, said, isPrivate) {
	try {
		await relate(id, is, isPrivate);
		say(said);
	} catch (error) {
		say(saidOf(error));
	}
}

/** A question before something is signed; during a pause it says that nothing is. @param {{ title: string, lines: string[], action: string, danger?: boolean }} what */
const askSigned = (what) => ask(isPaused(status.peek()) ? { ...what, lines: [...what.lines, t('write.paused')], action: t('write.keep') } : what);

/** @param {string} id @param {string[]} keys */
const linesOf = (id, keys) => keys.map((key) => t(key, { name: nameOf(personOf(id).peek()) }));

/** What was said for oneself alone ends so too. @param {string} id */
const isSealed = (id) => personOf(id).peek().i_private === true;

/** @param {string} id */
export async function askBlock(id) {
	const name = nameOf(personOf(id).peek());
	const choice = { open: linesOf(id, ['block.see', 'block.keep', 'block.pass', 'block.tell', 'block.undo']), sealed: linesOf(id, ['block.see', 'block.keep', 'block.pass', 'block.tellPrivate', 'block.undoPrivate']) };
	const how = await askHow({ title: t('block.title', { name }), choice, action: t('block.do', { name }), danger: true });
	if (how) {
		await relateAndSay(id, 'block', t('block.done', { name }), how === 'sealed');
	}
}

/** @param {string} id */
export async function askFollow(id) {
	const name = nameOf(personOf(id).peek());
	const choice = { open: linesOf(id, ['follow.see', 'follow.keep', 'follow.tell']), sealed: linesOf(id, ['follow.see', 'follow.keep', 'follow.tellPrivate', 'follow.lessPrivate']) };
	const how = await askHow({ title: t('follow.ask', { name }), choice, action: t('follow.aria', { name }), isSealed: true });
	if (how) {
		await relateAndSay(id, 'follow', t(how === 'sealed' ? 'follow.donePrivate' : 'follow.done', { name }), how === 'sealed');
	}
}

/**
 * A question that can be answered openly or for oneself alone; what each means stands below it.
 * @param {{ title: string, choice: Record<'open' | 'sealed', string[]>, action: string, danger?: boolean, isSealed?: boolean }} what
 * @returns {Promise<'open' | 'sealed' | ''>}
 */
function askHow(what) {
	return new Promise((resolve) => {
		show((close) => html`<${How} ...${what} onPick=${(/** @type {'open' | 'sealed'} */ how) => (resolve(how), close())} close=${close} />`).then(() => resolve(''));
	});
}

/** @param {{ title: string, choice: Record<'open' | 'sealed', string[]>, action: string, danger?: boolean, isSealed?: boolean, onPick: (how: 'open' | 'sealed') => void, close: () => void }} props */
function How({ title, choice, action, danger = false, isSealed = false, onPick, close }) {
	const [how, setHow] = useState(/** @type {'open' | 'sealed'} */ (isSealed ? 'sealed' : 'open'));
	const paused = isPaused(status.peek());
	const lines = [...choice[how], ...(paused ? [t('write.paused')] : [])];
	return html`<h2 id="dialog-title">${title}</h2>
		<fieldset class="choices apart-s"><legend class="sr">${t('how.label')}</legend>${/** @type {const} */ (['open', 'sealed']).map((one) => html`<label key=${one}>
			<input type="radio" name="how" checked=${one === how} onChange=${() => setHow(one)} /><span>${t(one === 'open' ? 'how.open' : 'how.sealed')}</span></label>`)}</fieldset>
		<ul class="consequences" aria-live="polite">${lines.map((line) => html`<li key=${line}>${line}</li>`)}</ul>
		<div class="dialog-actions"><button type="button" class="button" onClick=${close}>${t('dialog.cancel')}</button>
			<button type="button" class=${`button strong${danger ? ' danger' : how === 'sealed' ? ' violet' : ''}`} onClick=${() => onPick(how)}>${paused ? t('write.keep') : action}</button></div>`;
}

/** @param {string} id */
export async function askUnblock(id) {
	const name = nameOf(personOf(id).peek());
	if (await askSigned({ title: t('unblock.title', { name }), lines: linesOf(id, ['unblock.see', 'unblock.keep', isSealed(id) ? 'unblock.tellPrivate' : 'unblock.tell']), action: t('follow.unblock') })) {
		await relateAndSay(id, 'none', t('unblock.done', { name }), isSealed(id));
	}
}

/** @param {string} id */
async function askUnfollow(id) {
	const name = nameOf(personOf(id).peek());
	if (await askSigned({ title: t('unfollow.title', { name }), lines: linesOf(id, ['unfollow.see', 'unfollow.keep', isSealed(id) ? 'unfollow.tellPrivate' : 'unfollow.tell']), action: t('follow.undo') })) {
		await relateAndSay(id, 'none', '', isSealed(id));
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
	if (await ask({ title: t('mute.title', { name }), lines: linesOf(id, ['mute.see', 'mute.keep', 'mute.tell', 'mute.end']), action: t('mute.do', { name }) })) {
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
		return html`<button type="button" class=${person.i_private ? 'button following violet' : 'button following'} aria-label=${t(person.i_private ? 'follow.isPrivateAria' : 'follow.isAria', { name })} aria-pressed="true" onClick=${() => askUnfollow(id)}>${person.i_private && html`<${Icon} name="lock" />`}${t('follow.is')}</button>`;
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
		person.muted && list !== 'mutes' ? t('person.isMuted') : '', person.i_private ? t(person.i === 'block' ? 'person.blockPrivate' : 'person.followPrivate') : '', isHidden ? '' : newest].filter(Boolean);
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
