/**
 * views/drafts: everything that is written and not posted: in the composers of all devices, waiting to be signed, and kept while publishing was paused.
 */
import '../lib/lang/en-more.js';
import { html, useState, useValue } from '../lib/html.js';
import { get, post, remove } from '../lib/api.js';
import { nameOf, t } from '../lib/text.js';
import { personOf, postOf, refresh } from '../lib/state.js';
import { held } from '../lib/outbox.js';
import { take, written } from '../lib/writing.js';
import { Bones, Empty, Icon, Problem, Sheet, Time, useAct, useAnswer } from '../parts/bits.js';
import { Drafts as Kept } from '../parts/drafts.js';
import { Held } from '../parts/held.js';
import { PostText } from '../parts/posttext.js';
import { Page } from '../parts/shell.js';

const PATH = /^[A-Za-z0-9_-]{43}$/;

/** @param {string} name @param {any} body */
function placeOf(name, body) {
	if (name === 'home') {
		return { title: t('drafts.post'), href: '/write' };
	}
	if (PATH.test(name)) {
		const root = postOf(`%${name.replace(/-/g, '+').replace(/_/g, '/')}=.sha256`).peek();
		const who = root && !root.missing ? nameOf(personOf(root.author).peek()) : '';
		return { title: who ? t('drafts.replyTo', { name: who }) : t('drafts.reply'), href: `/write?to=${name}` };
	}
	const conversation = /^p-([A-Za-z0-9_-]{43})(-back)?$/.exec(name);
	if (conversation) {
		return { title: t('drafts.private'), href: `/private/${conversation[1]}${conversation[2] ? '?back' : ''}`, isPrivate: true };
	}
	return { title: t(body.root ? 'drafts.reply' : 'drafts.aside'), href: `/write?draft=${name}` };
}

/** @param {{ row: import('../lib/writing.js').Row, onChange: () => Promise<void> }} props */
function Row({ row, onChange }) {
	const [gone, setGone] = useState(/** @type {number | null} */ (null));
	const { act, isBusy, error } = useAct();
	const body = /** @type {import('../lib/writing.js').Words} */ (row.body);
	const { title, href, isPrivate = false } = placeOf(row.name, body);
	const discard = async () => {
		const { rev } = await remove(`writing/${row.name}`);
		take({ ...row, rev, body: null });
		setGone(rev);
	};
	const bringBack = async () => {
		const { rev } = await post(`writing/${row.name}`, { rev: gone, body });
		take({ ...row, rev });
		setGone(null);
		await onChange();
	};
	return html`<li class=${isPrivate ? 'kept violet' : 'kept'} aria-label=${title}>
		<p class="kept-title sealed">${isPrivate && html`<${Icon} name="lock" />`}<b>${title}</b> <${Time} at=${row.at} /></p>
		${gone === null
			? html`${body.cw && html`<p class="note" dir="auto">${t('post.warning', { cw: body.cw })}</p>`}<div class="draft-text"><${PostText} text=${body.text} isOpen /></div>
				<div class="kept-do"><a class="button" href=${href}>${t('drafts.go')}</a>
					<button type="button" class="quiet-button" aria-disabled=${isBusy} onClick=${() => act(discard)}>${t('draft.drop')}</button></div>`
			: html`<div class="kept-do" role="status"><span>${t('drafts.dropped')}</span><button type="button" class="button" onClick=${() => act(bringBack)}>${t('held.undo')}</button></div>`}
		${error && html`<p class="slip" role="alert">${error}</p>`}
	</li>`;
}

export default function Drafts() {
	const again = useValue(refresh);
	const changed = useValue(written);
	const waiting = useValue(held);
	const [answer, error, load] = useAnswer(async () => {
		const [writing, drafts] = await Promise.all([get('writing'), get('drafts')]);
		return { writing: writing.writing, count: drafts.drafts.length };
	}, [again, changed, waiting.length]);
	const [shown, setShown] = useState(/** @type {any[]} */ ([]));
	const rows = answer?.writing ?? [];
	/* What was discarded here stays in its place, with its way back. */
	const all = [...rows, ...shown.filter((one) => !rows.some((/** @type {any} */ row) => row.name === one.name))].sort((a, b) => b.at - a.at);
	if (answer && rows.some((/** @type {any} */ row) => !shown.some((one) => one.name === row.name))) {
		setShown(all);
	}
	let body;
	if (error && !answer) {
		body = html`<${Problem} error=${error} onRetry=${load} />`;
	} else if (!answer) {
		body = html`<${Bones} rows=${2} />`;
	} else if (all.length === 0 && answer.count === 0 && waiting.length === 0) {
		body = html`<${Empty} said=${t('drafts.empty')} then=${t('drafts.emptyThen')}><p><a class="button" href="/write">${t('nav.write')}</a></p><//>`;
	} else {
		body = html`${waiting.map((one) => html`<${Held} key=${one.nonce} one=${one} />`)}
			${all.length > 0 && html`<${Sheet} id="writing" title=${t('drafts.writing')}><p class="note">${t('drafts.everywhere')}</p>
				<ul>${all.map((row) => html`<${Row} key=${row.name} row=${row} onChange=${load} />`)}</ul><//>`}
			<${Kept} />`;
	}
	return html`<${Page} title=${t('nav.drafts')} back>${body}<//>`;
}
