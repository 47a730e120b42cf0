/**
 * views/recovery: publishing is paused, or worse. What happened, who was asked, what came back, what is lost, what is waited for, and the owner's own word.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useState, useValue } from '../lib/html.js';
import { get, post } from '../lib/api.js';
import { listOf, nameOf, pathOf, t } from '../lib/text.js';
import { adopt, askSafety, loadSafety, safety, seen, setState } from '../lib/safety.js';
import { now, peers, personOf, refresh, say, take } from '../lib/state.js';
import { ago, clock, full } from '../lib/time.js';
import { Avatar, Name } from '../parts/avatar.js';
import { isStuck, leftOf, numbers } from '../parts/banner.js';
import { Bones, Dot, Problem, Sheet, useAct } from '../parts/bits.js';
import { Drafts, LostWords } from '../parts/drafts.js';
import { hostOf, looksLikeKey } from '../parts/follow.js';
import { PostText } from '../parts/posttext.js';
import { Page } from '../parts/shell.js';

/** A second hand, only where something counts down. @param {boolean} isOn */
function useSeconds(isOn) {
	const [, tick] = useState(0);
	useEffect(() => {
		const timer = isOn ? setInterval(() => tick((n) => n + 1), 1000) : 0;
		return () => clearInterval(timer);
	}, [isOn]);
}

/** @param {{ at: any }} props */
function Found({ at }) {
	const own = at.head?.sequence ?? 0;
	const mine = seen()?.sequence ?? 0;
	const heard = at.holders.some((/** @type {any} */ one) => one.agrees !== 'unasked');
	const missing = numbers(own + 1, at.newest_seen);
	const others = at.holders.filter((/** @type {any} */ one) => one.told > own).map((/** @type {any} */ one) => nameOf(one.person));
	const by = mine >= at.newest_seen ? t('found.here') : others.length > 0 ? t('found.told', { names: listOf(others) }) : t('found.elsewhere');
	const isOver = at.state === 'CLEAN' || at.state === 'NEW';
	return html`<ul class="found">
		<li>${own > 0 ? t('found.head', { n: own }) : t('found.none')}</li>
		${at.came_back > 0 && html`<li class="good">${t(at.start_sequence > 0 ? 'found.back' : 'found.backAll', { n: at.came_back })}</li>`}
		${at.newest_seen > own && !isOver &&
		html`<li class="warned">${t(heard && others.length === 0 ? (at.newest_seen === own + 1 ? 'found.lostOne' : 'found.lost') : 'found.missing', { numbers: missing, by })}</li>`}
		${isOver && at.lost > 0 && html`<li class="warned">${t('found.gone', { n: at.lost })}</li>`}
	</ul>
	${at.state === 'SUSPECT' && at.newest_seen > own && others.length > 0 && html`<div class="sync-line"><span role="status">${t('found.progress', { done: own, n: at.newest_seen })}</span>
		<progress max=${at.newest_seen} value=${own} aria-label=${t('found.progress', { done: own, n: at.newest_seen })}></progress></div>`}`;
}

/** @param {any} one a holder @param {any} at @param {number} when */
function holderSaid(one, at, when) {
	const own = at.head?.sequence ?? 0;
	if (one.agrees === 'yes') {
		return t(one.told > own ? 'holder.more' : 'holder.agrees', { n: one.told > 0 ? one.told : one.sequence });
	}
	if (one.agrees === 'no') {
		return one.told > 0 ? t('holder.differs', { n: Math.min(one.told, own) }) : t('holder.none');
	}
	const had = one.sequence > 0 ? t('holder.had', { n: one.sequence, when: ago(one.at, when) }) : '';
	return `${t(one.connected ? 'holder.asked' : 'holder.unheard')} ${had}`;
}

/** @param {{ at: any }} props */
function Holders({ at }) {
	const when = useValue(now);
	if (at.holders.length === 0) {
		return html`<p class="note">${t('holder.nobody')}</p>`;
	}
	return html`<ul class="rows flush">${at.holders.map((/** @type {any} */ one) => html`<li class="row" key=${one.person.id}>
		<${Avatar} id=${one.person.id} />
		<div class="row-main"><${Name} id=${one.person.id} /><p class=${one.agrees === 'no' ? 'row-facts why' : 'row-facts'}>${holderSaid(one, at, when)}</p></div>
		<p class="peer-state"><${Dot} state=${one.connected ? 'connected' : 'away'} />${t(one.connected ? 'holder.here' : 'holder.away')}</p>
	</li>`)}</ul>`;
}

/** The rule that waiting will most likely fulfil, and its clock. @param {{ at: any }} props */
function Waiting({ at }) {
	const left = leftOf(at);
	useSeconds(left > 0);
	useEffect(() => {
		if (left === 0 && at.wait.rule) {
			askSafety();
		}
	}, [left === 0]);
	const { rule, confirmed, of } = at.wait;
	const own = at.head?.sequence ?? 0;
	const key = at.cause === 'claim' ? 'claim' : !isStuck(at) ? rule ?? 'none' : at.newest_seen > own ? 'stuck' : 'differs';
	return html`<${Sheet} id="wait" title=${t('wait.title')}>
		<p>${t(`wait.${key}`, { numbers: numbers(own + 1, at.newest_seen) })}</p>
		${of > 0 && rule !== 'U1' && html`<div class="sync-line"><progress max=${of} value=${Math.min(confirmed, of)} aria-label=${t('wait.count', { n: of, done: confirmed })}></progress><span>${t('wait.count', { n: of, done: confirmed })}</span></div>`}
		${left > 0 && html`<p class="clock"><b role="timer">${clock(left)}</b> ${t('wait.left')}</p>`}
		<p class="note">${t(isStuck(at) ? 'wait.noteStuck' : 'wait.note')}</p>
	<//>`;
}

/** @param {{ id: string }} props somebody we want without a follow message */
function Wanted({ id }) {
	const person = useValue(personOf(id));
	const peer = useValue(peers).find((one) => one.id === id);
	const up = peer?.state === 'connected';
	useEffect(() => {
		get(`person/${pathOf(id)}`).then((answer) => take({ people: [answer.person] }), () => {});
	}, [id, up, person.sequence > 0]);
	const said = up ? t('want.up') : peer?.state === 'dialling' ? t('want.dialling') : peer?.why?.said ? t('step.trying', { said: peer.why.said }) : t('want.looking');
	return html`<li class="row"><${Avatar} id=${id} /><div class="row-main"><${Name} id=${id} key8 /><p class="row-facts" role="status">${said}${hostOf(peer?.address) && ` · ${hostOf(peer?.address)}`}</p></div>
		<${Dot} state=${peer?.state ?? 'looking'} /></li>`;
}

/** Ask somebody by key and address: dialled and asked, never followed by this. @param {{ at: any }} props */
function AskSomebody({ at }) {
	const [text, setText] = useState('');
	const { act, isBusy, error, setError } = useAct();
	const want = () =>
		!looksLikeKey(text)
			? setError(t('follow.slip'))
			: act(async () => {
					await post('safety/want', { text: text.trim() });
					setText('');
					await loadSafety();
				});
	const held = new Set(at.holders.map((/** @type {any} */ one) => one.person.id));
	const wants = at.wants.filter((/** @type {string} */ id) => !held.has(id));
	return html`<${Sheet} id="want" title=${t('want.title')}>
		<p>${t('want.said')}</p>
		<form class="follow-box" onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), want())}>
			<label for="want-text">${t('want.label')}</label>
			<textarea id="want-text" class="mono" rows="2" value=${text} placeholder=${t('follow.place')} autocomplete="off" autocapitalize="off" spellcheck=${false}
				onInput=${(/** @type {any} */ e) => setText(e.target.value)}></textarea>
			${error && html`<p class="slip" role="alert">${error}</p>`}
			<div class="follow-row"><span></span><button type="submit" class="button strong" aria-disabled=${isBusy}>${t('want.go')}</button></div>
		</form>
		${wants.length > 0 && html`<ul class="rows flush">${wants.map((/** @type {string} */ id) => html`<${Wanted} key=${id} id=${id} />`)}</ul>`}
	<//>`;
}

/** What publishing on means, before anything is typed. @param {any} at */
function consequences(at) {
	const own = at.head?.sequence ?? 0;
	const unheard = at.holders.filter((/** @type {any} */ one) => one.agrees === 'unasked').map((/** @type {any} */ one) => nameOf(one.person));
	const lines = [];
	if (at.newest_seen > own) {
		lines.push(t('resume.lost', { numbers: numbers(own + 1, at.newest_seen), n: own + 1 }));
	}
	if (unheard.length > 0) {
		lines.push(t('resume.unheard', { n: unheard.length, names: listOf(unheard, unheard.length) }));
	} else if (at.holders.length === 0) {
		lines.push(t('resume.nobody'));
	}
	lines.push(t('resume.split', { n: own + 1 }), t('resume.log'));
	return lines;
}

/** The typed override. @param {{ at: any }} props */
function Override({ at }) {
	const [isOpen, setOpen] = useState(false);
	const [text, setText] = useState('');
	const { act, isBusy, error, setError } = useAct();
	const own = at.head?.sequence ?? 0;
	const typed = text.trim();
	const isNumber = /^[0-9][0-9 ,.]*$/.test(typed);
	const last = Number(typed.replace(/[ ,.]/g, ''));
	const isWord = /^i accept\.?$/i.test(typed);
	const resume = () => {
		if (!isNumber && !isWord) {
			setError(t('resume.slip'));
			return;
		}
		if (isNumber && last > own) {
			setError(t('resume.above', { n: last, own }));
			return;
		}
		act(async () => {
			const answer = await post('safety/resume', isWord ? { accept: true } : { last });
			safety.value = { ...answer, got: Date.now() };
			adopt(answer.head);
			setState(answer.state, answer.cause);
			say(t('resume.done'));
			refresh.value++;
			scrollTo(0, 0);
			setTimeout(() => document.querySelector('h1')?.focus(), 0);
		});
	};
	return html`<${Sheet} id="resume" title=${t('resume.title')}>
		<p>${t('resume.said')}</p>
		${!isOpen
			? html`<button type="button" class="button" aria-expanded="false" onClick=${() => setOpen(true)}>${t('resume.open')}</button>`
			: html`<ul class="consequences">${consequences(at).map((said) => html`<li key=${said}>${said}</li>`)}</ul>
				<form onSubmit=${(/** @type {Event} */ e) => (e.preventDefault(), resume())}>
					<label class="field"><span>${t('resume.label')}</span>
						<input value=${text} autocomplete="off" autocapitalize="off" aria-describedby="resume-hint" onInput=${(/** @type {any} */ e) => setText(e.target.value)} /></label>
					<p class="note" id="resume-hint">${t('resume.hint')}</p>
					${error && html`<p class="slip" role="alert">${error}</p>`}
					<button type="submit" class="button strong danger" aria-disabled=${isBusy || (!isNumber && !isWord)}>${t('resume.go')}</button>
				</form>`}
	<//>`;
}

/** One side of a fork: its first message in full, the others by their first words. @param {{ side: any, title: string, who: string[] }} props */
function Branch({ side, title, who }) {
	const id = side.key;
	const [content, setContent] = useState(/** @type {any} */ (null));
	const [at, setAt] = useState(0);
	useEffect(() => {
		if (id) {
			get(`message/${pathOf(id)}/raw`).then((answer) => {
				const message = JSON.parse(answer.value);
				setContent(message.content);
				setAt(message.timestamp);
			}, () => {});
		}
	}, [id]);
	const text = content?.type === 'post' ? String(content.text) : content ? t('draft.other', { type: content.type ?? '' }) : t('fork.absent');
	const rest = side.posts.slice(1);
	return html`<div class="branch"><h3>${title}</h3>
		${at > 0 && html`<p class="note">${full(at)}</p>`}
		${content?.type === 'post' ? html`<div class="text"><${PostText} text=${text} isOpen /></div>` : html`<p class="muted">${text}</p>`}
		${side.count > 0 && html`<p class="note">${t('fork.count', { n: side.count })}</p>`}
		${rest.length > 0 && html`<ol class="fork-rest" start=${rest[0].sequence}>${rest.map((/** @type {any} */ one) => html`<li key=${one.sequence} value=${one.sequence}><bdi>${one.type === 'post' ? one.text : t('draft.other', { type: one.type })}</bdi></li>`)}</ol>`}
		<p class="note">${who.length > 0 ? t('fork.held', { names: listOf(who, who.length) }) : t('fork.nobody')}</p>
		${id && html`<p class="key8">${id.slice(0, 13)}…</p>`}
	</div>`;
}

/** @param {{ at: any }} props */
function Fork({ at }) {
	const names = (/** @type {string} */ side) => at.holders.filter((/** @type {any} */ one) => at.fork.holders[side].includes(one.person.id)).map((/** @type {any} */ one) => nameOf(one.person));
	const n = at.fork?.sequence ?? 0;
	return html`<${Sheet} id="fork" title=${n > 0 ? t('fork.where', { n }) : t('fork.somewhere')}>
		${n > 0 && html`<p>${t('fork.before', { n: n - 1, at: n })}</p>
			<div class="branches"><${Branch} side=${at.fork.ours} title=${t('fork.ours')} who=${names('ours')} />
				<${Branch} side=${at.fork.theirs} title=${t('fork.theirs')} who=${names('theirs')} /></div>`}
	<//>
	<${Sheet} id="cannot" title=${t('fork.cannot')}>
		<ul class="consequences">${['fork.cannotSign', 'fork.cannotJoin', 'fork.can'].map((key) => html`<li key=${key}>${t(key)}</li>`)}</ul>
		<p>${t('fork.choose')}</p>
		<dl class="fork-ways"><dt><code>kith fork adopt</code></dt><dd>${at.fork?.missing ? t('fork.missing', { n: at.fork.missing }) : t('fork.adopt')}</dd>
			<dt><code>kith fork keep</code></dt><dd>${t('fork.keep')}</dd></dl>
		<p>${t('fork.lost')}</p>
	<//>`;
}

/** @param {any} at @returns {string} */
function titleOf(at) {
	if (at.state === 'FORKED' || at.state === 'RETIRED' || at.state === 'CLEAN' || at.state === 'NEW') {
		return t(`recovery.${at.state === 'NEW' ? 'CLEAN' : at.state}`);
	}
	return t(at.cause === 'twin' ? 'recovery.twin' : 'recovery.SUSPECT');
}

/** @param {{ at: any }} props */
function Body({ at }) {
	const isPaused = at.state === 'SUSPECT';
	const isAlone = isPaused && at.holders.length === 0;
	const isForked = at.state === 'FORKED';
	const isOver = at.state === 'CLEAN' || at.state === 'NEW';
	return html`<section class=${`sheet happened ${isForked || at.cause === 'twin' ? 'stop' : ''}`} aria-label=${t('recovery.what')}>
			${isOver ? html`<p class="lead-in">${t('recovery.cleanSaid')}</p>` : html`<p class="lead-in">${at.why}</p><p class="note">${t('recovery.since', { when: full(at.since) })}</p>`}
			${isPaused && html`<p>${t('recovery.calm')}</p>`}
			${at.cause === 'twin' && html`<p>${t('recovery.twinDo')}</p>`}
			${at.state === 'RETIRED' && html`<p>${t('recovery.retiredDo')}</p>`}
			${(isPaused || (isOver && (at.came_back > 0 || at.lost > 0))) && html`<${Found} at=${at} />`}
		</section>
		${isForked && html`<${Fork} at=${at} />`}
		${isAlone && html`<${AskSomebody} at=${at} />`}
		${(isPaused || isForked) && html`<${Sheet} id="holders" title=${t('holder.title')}><${Holders} at=${at} /><//>`}
		${isPaused && html`<${Waiting} at=${at} />`}
		${isPaused && !isAlone && html`<${AskSomebody} at=${at} />`}
		<${LostWords} sequence=${at.head?.sequence ?? 0} />
		<${Drafts} />
		${isPaused && html`<${Override} at=${at} />`}
		${isOver && at.drafts === 0 && html`<section class="sheet"><p><a href="/">${t('error.pageDo')}</a> · <a href="/settings/safety">${t('safety.title')}</a></p></section>`}`;
}

export default function Recovery() {
	const at = useValue(safety);
	const again = useValue(refresh);
	const [error, setError] = useState(/** @type {any} */ (null));
	const load = () => loadSafety().then(() => setError(null), setError);
	useEffect(() => {
		load();
		const timer = setInterval(load, 5000);
		return () => clearInterval(timer);
	}, [again]);
	if (!at) {
		return html`<${Page} title=${t('recovery.SUSPECT')}>${error ? html`<${Problem} error=${error} onRetry=${load} />` : html`<${Bones} rows=${3} />`}<//>`;
	}
	return html`<${Page} key=${at.state} title=${titleOf(at)}>${error && html`<${Problem} error=${error} onRetry=${load} />`}<${Body} at=${at} /><//>`;
}
