/**
 * parts/devices: who may open this page: the devices that are in, one more, a password, and this one's way out.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useRef, useState, useValue } from '../lib/html.js';
import { base } from '../lib/base.js';
import { ApiError, door, get, post, remove, saidOf } from '../lib/api.js';
import { deviceNews, isReader, say } from '../lib/state.js';
import { stop } from '../lib/live.js';
import { t } from '../lib/text.js';
import { clock, span } from '../lib/time.js';
import { Bones, Icon, Problem, Sheet, Time, useAct, useAnswer } from './bits.js';
import { ask } from './dialog.js';
import { KeyText } from './person.js';

/** @typedef {{ id: string, name: string, may: 'write' | 'read', made: number, seen: number, you: boolean }} Device */

/** A code lives that long. Counted from when it came: the node's clock and this one need not agree. */
const CODE_MS = 120000;
const NAME_MAX = 60;
const PASSWORD_MIN = 10;
const PASSWORD_MAX = 1024;

/** @param {Device} device */
const called = (device) => device.name || t('devices.unnamed');

/** What was in use went away with its part of the page: the focus goes on where it belongs, and is taken from nothing else. @param {string} selector */
function focusOn(selector) {
	if (document.activeElement === document.body) {
		/** @type {HTMLElement | null} */ (document.querySelector(selector))?.focus();
	}
}

/** @param {{ text: string }} props */
const Slip = ({ text }) => text && html`<p class="slip" role="alert">${text}</p>`;

/** @param {{ device: Device, id: string, onDone: () => void, reload: () => Promise<void> }} props */
function Change({ device, id, onDone, reload }) {
	const [name, setName] = useState(device.name);
	const [isOnly, setOnly] = useState(device.may === 'read');
	const { act, isBusy, error } = useAct();
	const path = `devices/${device.id}`;
	const rename = () =>
		act(async () => {
			await post(path, { name: name.trim() });
			await reload();
			onDone();
		});
	/* Turned at once, and back when the node says no. */
	const turn = () => {
		setOnly(!isOnly);
		act(
			async () => {
				await post(path, { may: isOnly ? 'write' : 'read' });
				await reload();
			},
			(problem) => (setOnly(isOnly), saidOf(problem)),
		);
	};
	const revoke = async () => {
		const lines = ['1', '2', '3', '4'].map((n) => t(`revoke.${n}`));
		if (await ask({ title: t('revoke.title', { name: called(device) }), lines, action: t('revoke.go'), danger: true })) {
			await act(async () => {
				await remove(path);
				say(t('revoke.done', { name: called(device) }));
				await reload();
				focusOn('h1');
			});
		}
	};
	return html`<div class="device-change" id=${id}>
		<form onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), rename())}>
			<label class="field"><span>${t('devices.name')}</span>
				<input value=${name} dir="auto" maxlength=${NAME_MAX} autocomplete="off" onInput=${(/** @type {any} */ e) => setName(e.target.value)} /></label>
			<button type="submit" class="button" aria-disabled=${isBusy || name.trim() === ''}>${t('devices.save')}</button>
		</form>
		${!device.you && html`<label class="switch"><input type="checkbox" role="switch" checked=${isOnly} aria-describedby=${`${id}-hint`} onChange=${turn} /><span>${t('devices.only')}</span></label>
			<p class="note" id=${`${id}-hint`}>${t('devices.onlyHint')}</p>
			<button type="button" class="button out" onClick=${revoke}>${t('devices.end')}</button>`}
		<${Slip} text=${error} />
	</div>`;
}

/** @param {{ device: Device, isNew: boolean, reload: () => Promise<void> }} props */
function Row({ device, isNew, reload }) {
	const [isOpen, setOpen] = useState(false);
	const isLooking = useValue(isReader);
	const button = useRef(/** @type {HTMLElement | null} */ (null));
	const id = `device-${device.id}`;
	const done = () => {
		setOpen(false);
		button.current?.focus();
	};
	return html`<li class=${isNew ? 'device is-new' : 'device'}>
		<div class="row"><${Icon} name="device" />
			<div class="row-main"><b dir="auto">${called(device)}</b>
				<p class="row-facts">${device.you ? html`<span class="badge">${t('devices.you')}</span>` : html`${t('devices.seen')} <${Time} at=${device.seen} />`}
					${device.may === 'read' && html`<span class="badge only">${t('devices.only')}</span>`}</p></div>
			${!isLooking && html`<button type="button" class="button small" ref=${button} aria-expanded=${isOpen} aria-controls=${id} aria-label=${t('devices.changeAria', { name: called(device) })}
				onClick=${() => setOpen(!isOpen)}>${t('devices.change')}</button>`}</div>
		${isOpen && !isLooking && html`<${Change} device=${device} id=${id} onDone=${done} reload=${reload} />`}
	</li>`;
}

/** The module that draws codes comes with the first. @param {{ text: string }} props */
function Scan({ text }) {
	const [Code, setCode] = useState(/** @type {any} */ (null));
	useEffect(() => {
		import('./code.js').then((module) => setCode(() => module.Code), () => {});
	}, []);
	return Code ? html`<${Code} text=${text} label=${t('another.scan')} />` : html`<div class="code-wait"></div>`;
}

const isOwnMachine = (/** @type {string} */ host) => /^(localhost|127\..*|\[::1\])$/.test(host);

/** Where the other device finds this page: as this one does, unless that is a name only this machine knows. @param {{ code: string, link: string }} made */
function linkFor({ code, link }) {
	return isOwnMachine(location.hostname) ? link : `${location.origin}${base}/#${code}`;
}

/** A code on the screen, until it was used or its time is over. @param {{ made: any, left: number, onStop: () => void }} props */
function Shown({ made, left, onStop }) {
	const link = linkFor(made);
	const { hostname, href } = new URL(link);
	return html`<div class="another" tabindex="-1">
		<div class="another-code">
			<p>${t('another.type')}</p>
			<p class="mono address" dir="ltr">${href.replace(/#.*$/, '')}</p>
			<p class="big-code" translate="no" dir="ltr">${made.code}</p>
			<p class="note" role="timer">${t('another.left', { left: clock(left) })}</p>
		</div>
		<div class="another-scan"><p>${t('another.orScan')}</p><${Scan} text=${link} /></div>
	</div>
	${isOwnMachine(hostname) && html`<p class="slip calm">${t('another.local')}</p>`}
	<details><summary>${t('another.orLink')}</summary><${KeyText} text=${link} label=${t('settings.linkLabel')} action=${t('settings.copyLink')} /></details>
	<button type="button" class="quiet-button" onClick=${onStop}>${t('another.stop')}</button>`;
}

/** @param {{ devices: Device[], reload: () => Promise<void>, onCame: (id: string) => void }} props */
function Another({ devices, reload, onCame }) {
	const [made, setMade] = useState(/** @type {any} */ (null));
	const [left, setLeft] = useState(0);
	const [isOnly, setOnly] = useState(false);
	const [came, setCame] = useState('');
	const { act, isBusy, error } = useAct();
	const make = () =>
		act(async () => {
			const answer = await post('devices/code', { may: isOnly ? 'read' : 'write' });
			setCame('');
			setLeft(CODE_MS);
			setMade({ ...answer, end: Date.now() + CODE_MS, before: devices.map(({ id }) => id) });
		});
	useEffect(() => {
		if (!made || left <= 0) {
			return undefined;
		}
		const tick = setInterval(() => setLeft(Math.max(0, made.end - Date.now())), 250);
		return () => clearInterval(tick);
	}, [made, left > 0]);
	const isShown = made !== null && left > 0;
	const wasShown = useRef(false);
	useEffect(() => {
		if (isShown !== wasShown.current) {
			wasShown.current = isShown;
			focusOn(isShown ? '.another' : '#another .button');
		}
	}, [isShown]);
	/* Whoever was not here before has come with it. */
	useEffect(() => {
		const one = made && devices.find(({ id }) => !made.before.includes(id));
		if (one) {
			setMade(null);
			setCame(called(one));
			onCame(one.id);
		}
	}, [devices, made]);
	if (isShown) {
		return html`<${Shown} made=${made} left=${left} onStop=${() => setMade(null)} />`;
	}
	return html`${came && html`<p class="slip calm came" role="status"><${Icon} name="check" />${t('another.came', { name: came })}</p>`}
		${made && html`<p class="slip calm" role="status">${t('another.over')}</p>`}
		<p>${t('another.said')}</p>
		<label class="switch"><input type="checkbox" role="switch" checked=${isOnly} aria-describedby="another-only" onChange=${() => setOnly(!isOnly)} /><span>${t('another.only')}</span></label>
		<p class="note" id="another-only">${t('devices.onlyHint')}</p>
		<button type="button" class="button strong" aria-disabled=${isBusy} onClick=${make}>${t(made ? 'another.again' : 'another.go')}</button>
		<${Slip} text=${error} />`;
}

/** @param {any} problem */
function passwordSaid(problem) {
	if (problem instanceof ApiError && problem.status === 429) {
		return t('door.many', { left: span(1000 * problem.wait) });
	}
	/* Its length was judged here. */
	return problem.status === 422 ? t('door.wrongPassword') : saidOf(problem);
}

/** @param {{ label: string, value: string, auto: string, isSeen: boolean, hint?: any, onInput: (value: string) => void }} props */
function Secret({ label, value, auto, isSeen, hint, onInput }) {
	return html`<label class="field"><span>${label}</span>
		<input type=${isSeen ? 'text' : 'password'} class=${isSeen ? 'mono' : ''} value=${value} autocomplete=${auto} autocapitalize="off" spellcheck=${false} onInput=${(/** @type {any} */ e) => onInput(e.target.value)} />${hint}</label>`;
}

/** @param {{ has: boolean, isRemoving: boolean, onDone: (said: string) => void, onBack: () => void }} props */
function PasswordForm({ has, isRemoving, onDone, onBack }) {
	const [old, setOld] = useState('');
	const [fresh, setFresh] = useState('');
	const [isSeen, setSeen] = useState(false);
	const { act, isBusy, error, setError } = useAct();
	const size = new TextEncoder().encode(fresh).length;
	const save = () => {
		if ((has && old === '') || (!isRemoving && (size < PASSWORD_MIN || size > PASSWORD_MAX))) {
			setError(t(has && old === '' ? 'password.oldMissing' : size > PASSWORD_MAX ? 'password.long' : 'password.short'));
			return;
		}
		act(async () => {
			await (isRemoving ? remove('password', { old }) : post('password', { old: has ? old : null, new: fresh }));
			onDone(t(isRemoving ? 'password.removed' : 'password.saved'));
		}, passwordSaid);
	};
	return html`<form onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), save())}>
		${has && html`<${Secret} label=${t('password.old')} value=${old} auto="current-password" isSeen=${isSeen} onInput=${setOld} />`}
		${!isRemoving && html`<${Secret} label=${t('password.new')} value=${fresh} auto="new-password" isSeen=${isSeen} onInput=${setFresh} hint=${html`<small class="note">${t('password.hint')}</small>`} />`}
		<label class="switch"><input type="checkbox" checked=${isSeen} onChange=${() => setSeen(!isSeen)} /><span>${t('password.see')}</span></label>
		<p class="note">${t('password.others')}</p>
		<${Slip} text=${error} />
		<div class="welcome-do"><button type="button" class="quiet-button" onClick=${onBack}>${t('dialog.cancel')}</button>
			<button type="submit" class=${isRemoving ? 'button strong danger' : 'button strong'} aria-disabled=${isBusy}>${t(isRemoving ? 'password.remove' : 'password.save')}</button></div>
	</form>`;
}

/** @param {{ has: boolean, reload: () => Promise<void> }} props */
function Password({ has, reload }) {
	const [doing, setDoing] = useState('');
	const wasDoing = useRef('');
	useEffect(() => {
		if (doing !== wasDoing.current) {
			wasDoing.current = doing;
			focusOn(doing ? '#password input' : '#password .button');
		}
	}, [doing]);
	const done = async (/** @type {string} */ said) => {
		setDoing('');
		say(said);
		await reload();
	};
	if (doing) {
		return html`<${PasswordForm} key=${doing} has=${has} isRemoving=${doing === 'remove'} onDone=${done} onBack=${() => setDoing('')} />`;
	}
	return html`<p>${t(has ? 'password.has' : 'password.none')}</p>
		<div class="kept-do"><button type="button" class="button" onClick=${() => setDoing('set')}>${t(has ? 'password.change' : 'password.set')}</button>
			${has && html`<button type="button" class="button" onClick=${() => setDoing('remove')}>${t('password.remove')}</button>`}</div>`;
}

async function signOut() {
	stop();
	try {
		await remove('session');
	} catch {
		/* the door closes on this side anyway */
	}
	door.on401('out');
}

export function Devices() {
	const [answer, error, load] = useAnswer(() => get('devices'), [useValue(deviceNews)]);
	const [fresh, setFresh] = useState('');
	const isLooking = useValue(isReader);
	if (!answer) {
		return error ? html`<${Problem} error=${error} onRetry=${load} />` : html`<${Bones} rows=${2} />`;
	}
	return html`<${Sheet} id="sessions" title=${t('devices.title')}>
			${isLooking && html`<p class="slip calm">${t('read.only')}</p>`}
			<ul class="rows flush">${answer.devices.map((/** @type {Device} */ device) => html`<${Row} key=${device.id} device=${device} isNew=${device.id === fresh} reload=${load} />`)}</ul>
		<//>
		${!isLooking && html`<${Sheet} id="another" title=${t('another.title')}><${Another} devices=${answer.devices} reload=${load} onCame=${setFresh} /><//>
			<${Sheet} id="password" title=${t('password.title')}><${Password} has=${answer.password} reload=${load} /><//>`}
		<${Sheet} id="out" title=${t('devices.here')}><p>${t('settings.outHint')}</p><button type="button" class="button" onClick=${signOut}>${t('settings.out')}</button><//>`;
}
