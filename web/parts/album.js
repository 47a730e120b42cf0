/**
 * parts/album: the pictures of one person, newest first, as far as this node has them.
 */
import '../lib/lang/en-more.js';
import { html, useEffect, useState, useValue } from '../lib/html.js';
import { ApiError, get } from '../lib/api.js';
import { blobPath } from '../lib/attached.js';
import { sheet } from '../lib/sheet.js';
import { bytes, messagePath, nameOf, t } from '../lib/text.js';
import { blobOf, changed, me, personOf, take } from '../lib/state.js';
import { Bones, Empty, Icon, Problem } from './bits.js';
import { noteSize } from './pictures.js';

/** @typedef {import('../lib/state.js').Blob & { post: string }} Shown */

/** One for each picture, however often it was posted. @param {import('../lib/state.js').Post[]} posts @returns {Shown[]} */
const picturesOf = (posts) => posts.flatMap((post) => (post.blobs ?? []).filter((blob) => blob.have && blob.mime.startsWith('image/')).map((blob) => ({ ...blob, post: post.id })));

/** @param {{ path: string, id: string }} props */
export function Album({ path, id }) {
	const [all, setAll] = useState(/** @type {Shown[] | null} */ (null));
	const [cursor, setCursor] = useState(/** @type {string | null} */ (null));
	const [error, setError] = useState(/** @type {any} */ (null));
	/* Of somebody we do not follow all of them; else each that stands behind a warning. */
	const [isShown, setShown] = useState(false);
	const [shown, setOne] = useState(/** @type {string[]} */ ([]));
	const [isBusy, setBusy] = useState(false);
	const person = useValue(personOf(id));
	const news = useValue(changed);
	const load = async (/** @type {string | null} */ before) => {
		setError(null);
		setBusy(true);
		try {
			const answer = await get(`person/${path}/posts?show=pictures&limit=40${before ? `&before=${encodeURIComponent(before)}` : ''}`);
			take(answer);
			const found = picturesOf(answer.posts);
			setAll((old) => [...(before ? old ?? [] : []), ...found].filter((one, i, list) => list.findIndex((it) => it.id === one.id) === i));
			setCursor(answer.cursor);
		} catch (problem) {
			setError(problem instanceof ApiError ? problem : null);
		}
		setBusy(false);
	};
	useEffect(() => {
		sheet('later').then(() => load(null));
	}, [path, news.n]);
	if (!all) {
		return error ? html`<${Problem} error=${error} onRetry=${() => load(null)} />` : html`<${Bones} />`;
	}
	if (all.length === 0 && !cursor) {
		return html`<${Empty} said=${id === me.peek() ? t('person.noPicturesMe') : t('person.noPictures', { name: nameOf(person) })} />`;
	}
	const isStranger = person.i !== 'follow' && id !== me.peek();
	const isHidden = (/** @type {Shown} */ one) => one.open === false && !isShown && !shown.includes(one.id);
	const seen = all.filter((one) => !isHidden(one));
	const view = (/** @type {Shown} */ at) => import('./viewer.js').then(({ view: open }) => open(seen.map((one) => ({ id: one.id, unbox: one.unbox ?? '', alt: one.alt ?? '', size: blobOf(one.id).peek()?.bytes, href: messagePath(one.post) })), seen.indexOf(at)), () => {});
	if (isStranger && all.some(isHidden)) {
		const total = all.reduce((sum, one) => sum + (one.bytes ?? 0), 0);
		return html`<div class="album-shut"><span class="shut"><${Icon} name="picture" /><span class="shut-said">${t('person.picturesShut', { name: nameOf(person) })}</span>
			<button type="button" class="button" data-act="show" onClick=${() => setShown(true)}>${t('blob.withSize', { said: t('picture.show', { n: all.length }), size: bytes(total) })}</button></span></div>`;
	}
	return html`<ul class="album" aria-label=${t('person.pictures')}>${all.map((one, i) => html`<li key=${one.id}><button type="button" class="picture" aria-label=${isHidden(one) ? `${t('picture.show', { n: 1 })} ${one.alt ?? ''}` : one.alt ? t('picture.open', { alt: one.alt }) : t('picture.openBare')} onClick=${() => (isHidden(one) ? setOne([...shown, one.id]) : view(one))}>
			${isHidden(one) ? html`<span class="album-tile"><${Icon} name="eye" /></span>` : html`<img class="here" src=${blobPath(one.id, one.unbox ?? '')} alt=${one.alt ?? ''} loading=${i < 9 ? 'eager' : 'lazy'} decoding="async" onLoad=${(/** @type {any} */ e) => noteSize(one.id, e.target.naturalWidth, e.target.naturalHeight)} />`}</button></li>`)}</ul>
		${error && html`<${Problem} error=${error} onRetry=${() => load(cursor)} />`}
		${cursor ? html`<p class="end"><button type="button" class="button" aria-disabled=${isBusy} onClick=${() => !isBusy && load(cursor)}>${t('person.morePictures')}</button></p>` : html`<p class="end">${t('person.known')}</p>`}`;
}
